"""One rollout after the other on one endpoint; each canary fails at the 50 % step."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from tests.rollouts.declaring import PLACEHOLDER, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually

REQUESTS_PER_SECOND = 12.0
LOOK_AGAIN_SECONDS = 0.02
SETTLED = {A: 100, B: 0}


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is measured: an endpoint that scales or not, with the panic rule or without."""

    scaling: bool
    panic: bool


@dataclass(frozen=True, kw_only=True)
class Run:
    """Seconds until weight zero: since the alarm changed its state, and since the scaling activity ended."""

    since_alarm: float
    since_activity: float | None


def measure(shop: DeployedShop, study: Study, *, runs: int, folder: Path) -> Iterator[Run]:
    """Deploy releases that fail on command, and measure how fast each loses its traffic."""
    shop.requests_per_second = REQUESTS_PER_SECOND
    shop.deploy(_release("v0", study, folder))
    for number in range(1, runs + 1):
        shop.comes_to_rest(stable=A, floor=1)
        version = f"v{number}"
        shop.deploy(_release(version, study, folder))
        shop.rollout_reaches(version, 50)
        failing = folder / f"{shop.name}-{version}"
        failing.write_text("1", encoding="utf-8")
        yield _run(shop, study)
        shop.rollout_ends(version)
        failing.unlink()


def _release(version: str, study: Study, folder: Path) -> Declaration:
    return Declaration(
        version=version,
        environment=(("OUTAGE", f"{folder}/{PLACEHOLDER}-{version}"),),
        steps=(50, 100),
        min_instances=1,
        panic=study.panic,
    )


def _run(shop: DeployedShop, study: Study) -> Run:
    began_at = time.time()
    if study.scaling:
        _scale_out(shop)
    activity_ended_at = None
    while (slots := shop.look()).weights != SETTLED:
        if study.scaling and activity_ended_at is None and slots.instances[A] > 1:
            activity_ended_at = time.time()
        time.sleep(LOOK_AGAIN_SECONDS)
    zero_at = time.time()
    alarm_at = eventually(lambda: _alarm_since(shop, began_at), what="an alarm of the canary")
    since_activity = None if activity_ended_at is None else zero_at - activity_ended_at
    return Run(since_alarm=zero_at - alarm_at, since_activity=since_activity)


def _scale_out(shop: DeployedShop) -> None:
    """Ask for one more instance of the serving slot. The endpoint is busy until it is in service."""
    shop.stage.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ResourceId=f"endpoint/{shop.name}/variant/{A}",
        MinCapacity=2,
        MaxCapacity=2,
    )


def _alarm_since(shop: DeployedShop, moment: float) -> float:
    """Return when the first alarm of the canary went off; 0 if none has."""
    alarms = shop.stage.sandbox.alarms
    assert alarms is not None
    of_canary = f"{shop.name}-EndpointAlarmsB"
    changes = [
        change.after.since
        for change in alarms.history
        if change.alarm.name.startswith(of_canary) and change.after.value is AlarmState.ALARM
    ]
    return min((since for since in changes if since >= moment), default=0.0)
