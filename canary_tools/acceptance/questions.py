"""What an assumption is, and what AWS said to it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from botocore.exceptions import BotoCoreError, ClientError

from canary_tools.acceptance.scene import NotAsked, Scene

Value = bool | int | float | str | None
"""What a machine reads of an answer."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What AWS said: a sentence for people, and a value."""

    sentence: str
    value: Value


class Moment(Enum):
    """When in the walk a question is asked."""

    FIRST_RELEASE_SERVES = "after the first deploy"
    ON_TRIAL = "while a release is on trial"
    PROMOTED = "after the promotion"
    WALKED = "before the stack is deleted"


class Verdict(Enum):
    """How an answer compares with what is taken for granted."""

    AS_EXPECTED = "as expected"
    OTHERWISE = "otherwise"
    NOT_ASKED = "not asked"


Probe = Callable[[Scene], Said]
"""Asks. It may raise `NotAsked`; an error of AWS counts as the same."""


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """One thing that code or local AWS take for granted and no document of AWS states.

    Attributes:
        key: names the answer in the JSON.
        claim: what is taken for granted.
        relied_on_by: the modules that do.
        expected: what AWS is expected to say.
        as_expected: tells whether a value is that.
        probe: asks; `None` for what no caller can provoke, and then `unasked` says why.
        moment: when it is asked.
        setting: a setting or switch of the local AWS, which takes the value over; empty when it has none.
    """

    key: str
    claim: str
    relied_on_by: tuple[str, ...]
    expected: str
    as_expected: Callable[[Value], bool] = bool
    probe: Probe | None = None
    moment: Moment = Moment.WALKED
    unasked: str = ""
    setting: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An assumption with what AWS said; `value` is `None` when it was not asked."""

    assumption: Assumption
    verdict: Verdict
    sentence: str
    value: Value = None


def ask(assumption: Assumption, scene: Scene) -> Answer:
    """Ask one question."""
    if assumption.probe is None:
        return not_asked(assumption, assumption.unasked)
    try:
        said = assumption.probe(scene)
    except (NotAsked, TimeoutError, ClientError, BotoCoreError) as error:
        return not_asked(assumption, str(error))
    verdict = Verdict.AS_EXPECTED if assumption.as_expected(said.value) else Verdict.OTHERWISE
    return Answer(assumption=assumption, verdict=verdict, sentence=said.sentence, value=said.value)


def not_asked(assumption: Assumption, why: str) -> Answer:
    """Return the answer to a question that was not asked."""
    return Answer(assumption=assumption, verdict=Verdict.NOT_ASKED, sentence=why)
