"""The final minutes of a rollout: the input of the judge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from rollout.gates import sentence
from rollout.gates.counts import NOTHING, Counts, InvalidCountsError


class InvalidMinutesError(ValueError):
    """Minutes that contradict each other."""


@dataclass(frozen=True, slots=True)
class Minute:
    """Everything final about one minute, or about one metric period when that is shorter.

    `number` counts periods (epoch seconds // period). `step` is the number of the step that the minute belongs to.
    `counts` maps a gate's name to `Counts` or to a mapping of its fields; a gate without an entry, or with None, had no
    data. `bounded` has the gates whose counts are bounds: the canary's bad requests from below, stable's from above. It
    maps each to the opposite bounds, which alone prove that the canary is good.
    `invocations` is (canary, stable), `share` the canary's configured share (0 to 1). Without them the traffic
    gate does not see the minute. `fell_from` (0 to 1) is for a minute in which that share changed to less and was never
    more than this; `share` is None then. A minute in which it changed otherwise cannot be judged: leave it out.
    `fleet_age` is how many minutes ago the canary's instances grew in number, None if they did not.
    """

    number: int
    step: int
    counts: Mapping[str, Counts | Mapping[str, object] | None]
    invocations: tuple[int, int] | None = None
    share: float | None = None
    bounded: Mapping[str, Counts | Mapping[str, object] | None] = field(default_factory=dict)
    fell_from: float | None = None
    fleet_age: int | None = None
    skipped: list[str] = field(default_factory=list, compare=False)

    def counts_of(self, gate: str) -> Counts | None:
        """Return a gate's counts; None when missing or impossible. Impossible ones are noted in `skipped`."""
        return self._parsed(gate, self.counts.get(gate))

    def opposite_bounds_of(self, gate: str) -> Counts | None:
        """Return the bounds that speak least for the canary; None where a gate's counts are no bounds."""
        return (self._parsed(gate, self.bounded[gate]) or NOTHING) if gate in self.bounded else None

    def _parsed(self, gate: str, counts: Counts | Mapping[str, object] | None) -> Counts | None:
        if counts is None or isinstance(counts, Counts):
            return counts
        try:
            return Counts.parse(counts)
        except InvalidCountsError as error:
            self.skipped.append(sentence.skipped(self.number, gate, error))
            return None


def new_in_order(minutes: Iterable[Minute], last: int | None, step: int) -> list[Minute]:
    """Return the minutes after `last`, in order.

    Raises:
        InvalidMinutesError: when a minute comes twice, a later minute belongs to an earlier step, or a minute has a
            share and fell from one.
    """
    new = sorted((m for m in minutes if last is None or m.number > last), key=lambda m: m.number)
    for before, after in pairwise(new):
        if before.number == after.number:
            raise InvalidMinutesError(f"minute {after.number} comes twice")
    for minute in new:
        if minute.fell_from is not None and (minute.share is not None or not 0.0 <= minute.fell_from <= 1.0):
            raise InvalidMinutesError(
                f"minute {minute.number} fell from {minute.fell_from}: it must be between 0 and 1, with no other share"
            )
        if minute.step < step:
            raise InvalidMinutesError(
                f"minute {minute.number} belongs to step {minute.step}, but step {step} has begun"
            )
        step = minute.step
    return new
