"""What the walk does, act by act: each says what it saw, or raises `Unexpected` with what it saw instead."""

import time
from pathlib import Path

from rollout.contract.names import PROMOTED, RUNNING, SLOT_A, SLOT_B, other_slot

from canary_tools.acceptance.declaration import FIRST_STEP_PERCENT, STACK_NAME
from canary_tools.acceptance.endpoint_watch import Look
from canary_tools.acceptance.probes.deploying import BROKEN, TAGGED
from canary_tools.acceptance.rollouts import Rollout
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.stack import Deploy
from canary_tools.acceptance.stage import Stage, Unexpected

MODEL = Path(__file__).parent / "model"
GATE_PERCENT, ALARM_PERCENT = 15, 100
"""What fails in the release that a gate must catch, and in the one that an alarm must; alarms go off above 25."""


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


def rollout_starts(stage: Stage) -> str:
    """Deploy the second release, and wait until it is on trial."""
    scene = stage.scene
    scene.moments["second deploy"] = time.time()
    scene.moments["second deploy ended"] = stage.release(stage.declare("v2")).ended_at
    rollout = stage.wait(lambda: stage.rollouts.of("v2"), "a rollout of v2")
    scene.moments["rollout started"] = rollout.started_at
    _require_running(rollout)
    return f"rollout {rollout.name} runs"


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
    stable = stage.scene.stable_slot()
    before = stage.at_rest(stable)
    done = stage.deploy(stage.declare("v2", tags=(("purpose", "acceptance"),)), TAGGED)
    if not done.succeeded:
        raise Unexpected(f"{done.status}: {done.reasons}")
    after = stage.at_rest(stable)
    if (after.weights, after.counts) != (before.weights, before.counts):
        raise Unexpected(f"{_weights(after)}, instances {after.counts} instead of {before.counts}")
    kind = "the same config" if after.config_name == before.config_name else "another config"
    return f"{_weights(after)}, {kind}"


def gate_rollback(stage: Stage) -> str:
    """Release a model that fails too much for a gate, and too little for an alarm."""
    stable = stage.scene.stable_slot()
    stage.release(stage.declare("v3", fail_percent=GATE_PERCENT))
    rollout = stage.wait(lambda: stage.rollouts.ended("v3"), "the end of v3's rollout")
    return _rolled_back(stage, rollout, stable=stable, because="errors")


def alarm_rollback(stage: Stage) -> str:
    """Release a model that fails all requests."""
    scene, stable = stage.scene, stage.scene.stable_slot()
    stage.release(stage.declare("v4", fail_percent=ALARM_PERCENT))

    def ended() -> Rollout | None:
        _note_alarm(scene)
        return stage.rollouts.ended("v4")

    rollout = stage.wait(ended, "the end of v4's rollout")
    _note_no_traffic(scene, other_slot(stable), since="alarm", name="no traffic after the alarm")
    return _rolled_back(stage, rollout, stable=stable, because="ALARM")


def stopped_rollout(stage: Stage) -> str:
    """Stop the execution of a release on trial."""
    scene, stable = stage.scene, stage.scene.stable_slot()
    stage.release(stage.declare("v5", metric_period_seconds=scene.account.pace.other_metric_period))
    rollout = stage.wait(lambda: stage.rollouts.reached("v5", FIRST_STEP_PERCENT), "the first step of v5")
    _require_running(rollout)
    scene.moments["other period"] = scene.moments["stopped"] = time.time()
    machine = scene.stack.state_machine.replace(":stateMachine:", ":execution:")
    scene.client("stepfunctions").stop_execution(executionArn=f"{machine}:{rollout.name}", cause="acceptance")
    ended = stage.wait(lambda: stage.rollouts.ended("v5"), "the end of v5's rollout")
    _note_no_traffic(scene, other_slot(stable), since="stopped", name="no traffic after the stop")
    return _rolled_back(stage, ended, stable=stable)


def failed_update(stage: Stage) -> str:
    """Deploy a release whose archive no instance can read."""
    done = stage.deploy(stage.declare("v6", model_path=str(stage.broken_archive)), BROKEN)
    return _refused(done, because="")


def destroy(stage: Stage) -> str:
    """Delete the stack, and look for what it left behind."""
    stage.scene.visitors.stop()
    failures = stage.scene.undoing.run()
    stage.scene.stack.delete()
    left = [*failures, *stage.removal.left_by_the_stack()]
    if left:
        raise Unexpected(f"left behind: {', '.join(left)}")
    return "nothing is left of the stack"


def _rolled_back(stage: Stage, rollout: Rollout, *, stable: str, because: str = "") -> str:
    if rollout.outcome == PROMOTED or because not in rollout.reason:
        raise Unexpected(f"{rollout.outcome}: {rollout.reason}")
    stage.at_rest(stable)
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


def _note_no_traffic(scene: Scene, canary: str, *, since: str, name: str) -> None:
    """Note when the watch saw this variant without weight, if it did."""
    if since in scene.moments:
        looks = scene.watch.since(scene.moments[since])
        without = [look.at for look in looks if look.weights.get(canary) == 0.0]
        scene.moments.update({name: without[0]} if without else {})


def _weights(look: Look) -> str:
    return ", ".join(f"{slot} {weight:g}" for slot, weight in look.weights.items())
