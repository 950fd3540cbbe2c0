"""Commands of several people, near each other in time, beside the faults of a schedule."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

PEOPLE = ("ann", "bob", "cid")
FEWEST, MOST = 2, 8
WEIGHTS: Mapping[str, int] = {
    "approve": 8, "promote": 4, "pause": 4, "resume": 4, "rollback": 3, "reject": 1, "abort": 1,
}  # fmt: skip
"""How often each is drawn. An order that ends the rollout leaves nothing for the others to do, so it is rare."""
NEAR_SECONDS = 20.0
AT_ONCE = 0.3
"""How often a command comes in the very moment of the one before."""
AFTER_SECONDS = 600.0
"""How long after the time of a schedule commands may come: a way back begins after the promotion."""
RESUMED = 0.9
"""How often somebody ends the pauses of a schedule. A pause that nobody ends lasts for more than a day."""
LATER_SECONDS = (60.0, 1800.0)


def commands(draw: random.Random, latest_second: float) -> Sequence[dict[str, Any]]:
    """Return 2 to 8 commands by two or three people, as controls of a scenario.

    They come around one or two moments. A schedule with a pause has most often a late `resume` as its last command.
    """
    people = draw.sample(PEOPLE, draw.randint(2, len(PEOPLE)))
    moments = [draw.uniform(0, latest_second + AFTER_SECONDS) for _ in range(draw.randint(1, 2))]
    drawn: list[dict[str, Any]] = []
    for number in range(draw.randint(FEWEST, MOST)):
        near = max(0.0, draw.gauss(draw.choice(moments), NEAR_SECONDS))
        at_s = drawn[-1]["at_s"] if drawn and draw.random() < AT_ONCE else round(near, 1)
        (do,) = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))
        by = people[number] if number < FEWEST else draw.choice(people)
        drawn.append({"at_s": at_s, "do": do, "by": by, "why": f"order {number + 1}"})
    pauses = [each["at_s"] for each in drawn if each["do"] == "pause"]
    if pauses and draw.random() < RESUMED:
        at_s = round(max(pauses) + draw.uniform(*LATER_SECONDS), 1)
        drawn[-1] = {**drawn[-1], "at_s": at_s, "do": "resume"}
    return drawn
