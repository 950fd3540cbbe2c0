"""Plays the acts in order, and asks between them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from canary_tools.acceptance.assumptions import ASSUMPTIONS, asked_at
from canary_tools.acceptance.cdk import CdkFailed
from canary_tools.acceptance.program import ACTS, Act
from canary_tools.acceptance.questions import Answer, Moment, ask, not_asked
from canary_tools.acceptance.stage import Stage, Unexpected

_SECONDS_PER_MINUTE = 60
_LEFT_OUT = "left out: the walk has taken too long"
WRONG = (Unexpected, TimeoutError, CdkFailed, ClientError, BotoCoreError)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an act came to; `right`: whether that is what was expected, `None` when it was not played."""

    act: Act
    right: bool | None
    sentence: str
    seconds: float = 0.0


@dataclass
class Walk:
    """What was seen and said so far. `tell` gets a sentence of progress."""

    stage: Stage
    tell: Callable[[str], None]
    seen: list[Seen] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def run(self) -> None:
        """Play all acts; one that goes wrong does not keep the others from being played, but for the first.

        The last one removes the stack. It is played however late it is.
        """
        until = time.monotonic() + self.stage.scene.account.pace.whole
        *_, last = ACTS
        for act in ACTS:
            needed = _SECONDS_PER_MINUTE * (act.minutes + last.minutes)
            in_time = act is last or time.monotonic() + needed <= until
            self._note(self._played(act) if in_time else Seen(act=act, right=None, sentence=_LEFT_OUT))
            if not self._goes_on():
                return
            if act.then_ask is not None:
                self._ask(act.then_ask)

    def all_acts(self) -> list[Seen]:
        """Return every act, those that were not played included."""
        missing = [act for act in ACTS if act not in [seen.act for seen in self.seen]]
        return [*self.seen, *(Seen(act=act, right=None, sentence="not played") for act in missing)]

    def all_answers(self) -> list[Answer]:
        """Return an answer for every assumption, in the table's order."""
        given = {answer.assumption.key: answer for answer in self.answers}
        return [given.get(row.key) or not_asked(row, _why_not(row.unasked)) for row in ASSUMPTIONS]

    def _played(self, act: Act) -> Seen:
        self.tell(f"{act.name}: {act.expected}?")
        began = time.monotonic()
        try:
            sentence, right = act.play(self.stage), True
        except WRONG as error:
            sentence, right = str(error) or type(error).__name__, False
        return Seen(act=act, right=right, sentence=sentence, seconds=time.monotonic() - began)

    def _goes_on(self) -> bool:
        """Tell whether there is something to walk on: without a first deploy there is nothing."""
        return self.seen[0].right is True

    def _note(self, seen: Seen) -> None:
        self.seen.append(seen)
        mark = {True: "as expected", False: "OTHERWISE", None: "not played"}[seen.right]
        self.tell(f"{seen.act.name}: {mark}: {seen.sentence}")

    def _ask(self, moment: Moment) -> None:
        for answer in _asked(moment, self.stage):
            self.answers.append(answer)
            self.tell(f"  {answer.assumption.key}: {answer.sentence}")


def _asked(moment: Moment, stage: Stage) -> Iterator[Answer]:
    return (ask(assumption, stage.scene) for assumption in asked_at(moment))


def _why_not(reason: str) -> str:
    return reason or "the walk did not come to it"
