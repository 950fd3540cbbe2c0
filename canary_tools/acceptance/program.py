"""The acts in order, with what is expected of each and how long it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from canary_tools.acceptance import acts
from canary_tools.acceptance.questions import Moment
from canary_tools.acceptance.stage import Stage

Play = Callable[[Stage], str]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act.

    Attributes:
        minutes: how long it usually takes on a live account; it is left out when the walk has less left.
        then_ask: the questions that belong after it.
    """

    name: str
    expected: str
    play: Play
    minutes: float
    then_ask: Moment | None = None


ACTS: tuple[Act, ...] = (
    Act(
        name="first deploy",
        expected="variant-a serves, at once",
        play=acts.first_deploy,
        minutes=10,
        then_ask=Moment.FIRST_RELEASE_SERVES,
    ),
    Act(name="rest", expected="requests are answered", play=acts.stay_at_rest, minutes=0),
    Act(name="rollout starts", expected="v2 is on trial", play=acts.rollout_starts, minutes=9),
    Act(
        name="refused deploy",
        expected="v3 is refused while v2 is on trial",
        play=acts.refused_deploy,
        minutes=2,
        then_ask=Moment.ON_TRIAL,
    ),
    Act(
        name="promotion",
        expected="v2 is promoted, variant-b serves",
        play=acts.promotion,
        minutes=20,
        then_ask=Moment.PROMOTED,
    ),
    Act(name="only tags", expected="nothing moves", play=acts.only_tags, minutes=9),
    Act(name="gate rollback", expected="v3 is rolled back by the error-rate gate", play=acts.gate_rollback, minutes=15),
    Act(name="alarm rollback", expected="v4 is rolled back by an alarm", play=acts.alarm_rollback, minutes=12),
    Act(name="stopped rollout", expected="v5 loses its traffic", play=acts.stopped_rollout, minutes=11),
    Act(
        name="failed update",
        expected="v6 fails to deploy, and the endpoint serves",
        play=acts.failed_update,
        minutes=14,
        then_ask=Moment.WALKED,
    ),
    Act(name="destroy", expected="nothing is left", play=acts.destroy, minutes=6),
)
"""In order. Questions at rest take minutes more: an instance is added and taken away."""
