"""What the walk does, act by act: each says what it saw, or raises `Unexpected` with what it saw instead."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rollout.contract.names import PROMOTED, RUNNING, SLOT_A, SLOT_B, other_slot

from canary_tools.acceptance.declaration import FIRST_STEP_PERCENT, STACK_NAME, Declaration
from canary_tools.acceptance.endpoint_watch import QUIET, Look
from canary_tools.acceptance.probes.deploying import BROKEN, TAGGED
from canary_tools.acceptance.questions import Moment
from canary_tools.acceptance.removal import Removal
from canary_tools.acceptance.rollouts import Rollout, Rollouts
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.stack import Deploy
from canary_tools.acceptance.waiting import Found, wait_for

MODEL = Path(__file__).parent / "model"
GATE_PERCENT, ALARM_PERCENT = 15, 100
"""What fails in the release that a gate must catch, and in the one that an alarm must; alarms go off above 25."""
WHOLE_WEIGHT = 100.0


class Unexpected(Exception):
    """An act went otherwise; the message says what was seen."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The scene, with what the acts need to change it.

    Attributes:
        declare: makes a declaration of a version, with what differs from the usual.
        broken_archive: a file that is no archive.
    """

    scene: Scene
    declare: Callable[..., Declaration]
    broken_archive: Path
    removal: Removal

    @property
    def rollouts(self) -> Rollouts:
        """The ledger's rollouts."""
        scene = self.scene
        return Rollouts(scene.client("dynamodb"), table=scene.stack.ledger, endpoint_name=scene.endpoint_name)

    def deploy(self, declared: Declaration, name: str = "") -> Deploy:
        """Deploy, and keep what came of it under the version or this name."""
        done = self.scene.stack.deploy(declared)
        self.scene.deploys[name or declared.version] = done
        return done

    def wait(self, look: Callable[[], Found | None], what: str) -> Found:
        """Wait for as long as a rollout may take.

        Raises:
            TimeoutError: it did not come.
        """
        pace = self.scene.account.pace
        return wait_for(look, what=what, seconds=pace.rollout, look_again=pace.look_again)

    def release(self, declared: Declaration) -> Deploy:
        """Deploy a release.

        Raises:
            Unexpected: the deploy failed.
        """
        done = self.deploy(declared)
        if not done.succeeded:
            raise Unexpected(f"{done.status}: {done.reasons}")
        return done

    def at_rest(self, stable: str) -> Look:
        """Wait until one variant has all the weight and nobody holds the endpoint.

        Raises:
            TimeoutError: that did not come.
        """

        def rests() -> Look | None:
            look = self.scene.endpoint.look()
            at_rest = look.status == QUIET and look.weights == {stable: WHOLE_WEIGHT, other_slot(stable): 0.0}
            return look if at_rest and self.rollouts.lock_is_free() else None

        return self.wait(rests, f"rest with {stable} in service")


Play = Callable[[Stage], str]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act.

    Attributes:
        minutes: how long it usually takes on a live account.
        then_ask: the questions that belong after it.
        only_before: skip it when the walk has taken longer than this share of its time.
    """

    name: str
    expected: str
    play: Play
    minutes: float
    then_ask: Moment | None = None
    only_before: float = 1.0


def first_deploy(stage: Stage) -> str:
    """Deploy the first release, and let visitors in."""
    stage.release(stage.declare("v1"))
    stage.scene.visitors.start()
    look = stage.at_rest(SLOT_A)
    stage.scene.moments["first release serves"] = time.time()
    return f"{look.status}, {_weights(look)}"


def stay_at_rest(stage: Stage) -> str:
    """Let the metrics of a release at rest be published."""
    began = stage.scene.moments["first release serves"]
    time.sleep(max(0.0, began + stage.scene.account.pace.settle - time.time()))
    return f"{len(stage.scene.visitors.since(0))} requests were sent"


def a_canary_gets_traffic(stage: Stage) -> str:
    """Deploy the second release, and wait until half of the requests reach it."""
    scene = stage.scene
    scene.moments["second deploy"] = time.time()
    scene.moments["second deploy ended"] = stage.release(stage.declare("v2")).ended_at
    rollout = stage.wait(lambda: stage.rollouts.reached("v2", FIRST_STEP_PERCENT), "the first step of v2")
    scene.moments["rollout started"] = rollout.started_at
    _require_running(rollout)
    scene.moments["both serve"] = time.time()
    return _weights(scene.endpoint.look())


def refused_deploy(stage: Stage) -> str:
    """Deploy another release while one is on trial."""
    return _refused(stage.deploy(stage.declare("v3"), "refused"), because="is running")


def promotion(stage: Stage) -> str:
    """Wait until the second release serves."""
    rollout = stage.wait(lambda: stage.rollouts.ended("v2"), "the end of v2's rollout")
    if rollout.outcome != PROMOTED:
        raise Unexpected(f"{rollout.outcome}: {rollout.reason}")
    look = stage.at_rest(SLOT_B)
    stage.scene.moments["promoted"] = time.time()
    return f"{rollout.reason}; {_weights(look)}"


def only_tags(stage: Stage) -> str:
    """Deploy the release that serves once more, with another tag on everything."""
    scene, before = stage.scene, stage.at_rest(SLOT_B)
    done = stage.deploy(stage.declare("v2", tags=(("purpose", "acceptance"),)), TAGGED)
    if not done.succeeded:
        raise Unexpected(f"{done.status}: {done.reasons}")
    after = stage.at_rest(SLOT_B)
    if (after.weights, after.counts) != (before.weights, before.counts):
        raise Unexpected(f"{_weights(after)}, instances {after.counts} instead of {before.counts}")
    kind = "the same config" if after.config_name == before.config_name else "another config"
    return f"{_weights(scene.endpoint.look())}, {kind}"


def gate_rollback(stage: Stage) -> str:
    """Release a model that fails too much for a gate, and too little for an alarm."""
    stage.release(stage.declare("v3", fail_percent=GATE_PERCENT))
    rollout = stage.wait(lambda: stage.rollouts.ended("v3"), "the end of v3's rollout")
    return _rolled_back(stage, rollout, because="errors")


def alarm_rollback(stage: Stage) -> str:
    """Release a model that fails all requests."""
    stage.release(stage.declare("v4", fail_percent=ALARM_PERCENT))
    scene = stage.scene

    def ended() -> Rollout | None:
        _note_alarm(scene)
        return stage.rollouts.ended("v4")

    rollout = stage.wait(ended, "the end of v4's rollout")
    _note_no_traffic(scene, since="alarm", name="no traffic after the alarm")
    return _rolled_back(stage, rollout, because="ALARM")


def stopped_rollout(stage: Stage) -> str:
    """Stop the execution of a release on trial."""
    scene, period = stage.scene, stage.scene.account.pace.other_metric_period
    stage.release(stage.declare("v5", metric_period_seconds=period))
    rollout = stage.wait(lambda: stage.rollouts.reached("v5", FIRST_STEP_PERCENT), "the first step of v5")
    _require_running(rollout)
    scene.moments["other period"] = scene.moments["stopped"] = time.time()
    machine = scene.stack.state_machine.replace(":stateMachine:", ":execution:")
    scene.client("stepfunctions").stop_execution(executionArn=f"{machine}:{rollout.name}", cause="acceptance")
    ended = stage.wait(lambda: stage.rollouts.ended("v5"), "the end of v5's rollout")
    _note_no_traffic(scene, since="stopped", name="no traffic after the stop")
    return _rolled_back(stage, ended, because="")


def failed_update(stage: Stage) -> str:
    """Deploy a release whose archive no instance can read."""
    done = stage.deploy(stage.declare("v6", model_path=str(stage.broken_archive)), BROKEN)
    return _refused(done, because="")


def destroy(stage: Stage) -> str:
    """Delete the stack, and look for what it left behind."""
    stage.scene.visitors.stop()
    stage.scene.undoing.run()
    stage.scene.stack.delete()
    left = stage.removal.left_by_the_stack()
    if left:
        raise Unexpected(f"left behind: {', '.join(left)}")
    return "nothing is left of the stack"


ACTS: tuple[Act, ...] = (
    Act(
        name="first deploy", expected="variant-a serves, at once", play=first_deploy, minutes=10,
        then_ask=Moment.FIRST_RELEASE_SERVES,
    ),
    Act(name="rest", expected="requests are answered", play=stay_at_rest, minutes=0),
    Act(name="a canary", expected="half the requests for v2", play=a_canary_gets_traffic, minutes=12),
    Act(
        name="refused deploy", expected="v3 is refused while v2 is on trial", play=refused_deploy, minutes=2,
        then_ask=Moment.BOTH_SERVE,
    ),
    Act(
        name="promotion", expected="v2 is promoted, variant-b serves", play=promotion, minutes=17,
        then_ask=Moment.PROMOTED,
    ),
    Act(name="only tags", expected="nothing moves", play=only_tags, minutes=9),
    Act(name="gate rollback", expected="v3 is rolled back by the error-rate gate", play=gate_rollback, minutes=15),
    Act(name="alarm rollback", expected="v4 is rolled back by an alarm", play=alarm_rollback, minutes=12),
    Act(name="stopped rollout", expected="v5 loses its traffic, variant-b serves", play=stopped_rollout, minutes=11),
    Act(
        name="failed update", expected="v6 fails to deploy, variant-b serves", play=failed_update, minutes=14,
        then_ask=Moment.WALKED, only_before=0.82,
    ),
    Act(name="destroy", expected="nothing is left", play=destroy, minutes=6),
)  # fmt: skip
"""In order. Questions at rest take minutes more: an instance is added and taken away."""


def _rolled_back(stage: Stage, rollout: Rollout, *, because: str) -> str:
    if rollout.outcome == PROMOTED or because not in rollout.reason:
        raise Unexpected(f"{rollout.outcome}: {rollout.reason}")
    stage.at_rest(SLOT_B)
    return f"{rollout.outcome}: {rollout.reason}"


def _refused(done: Deploy, *, because: str) -> str:
    if done.status != "UPDATE_ROLLBACK_COMPLETE" or because not in done.reasons:
        raise Unexpected(f"{done.status}: {done.reasons}")
    return done.reasons.splitlines()[0]


def _require_running(rollout: Rollout) -> None:
    if rollout.outcome != RUNNING:
        raise Unexpected(f"{rollout.outcome}: {rollout.reason}")


def _note_alarm(scene: Scene) -> None:
    """Note when the first alarm of the stack went off."""
    if "alarm" in scene.moments:
        return
    answer = scene.client("cloudwatch").describe_alarms(AlarmNamePrefix=STACK_NAME, StateValue="ALARM")
    since = [alarm["StateUpdatedTimestamp"].timestamp() for alarm in answer["MetricAlarms"]]
    if since:
        scene.moments["alarm"] = min(since)


def _note_no_traffic(scene: Scene, *, since: str, name: str) -> None:
    """Note when the watch saw the canary without weight, if it did."""
    if since in scene.moments:
        looks = scene.watch.since(scene.moments[since])
        without = [look.at for look in looks if look.weights.get(SLOT_A) == 0.0]
        scene.moments.update({name: without[0]} if without else {})


def _weights(look: Look) -> str:
    return ", ".join(f"{slot} {weight:g}" for slot, weight in look.weights.items())
