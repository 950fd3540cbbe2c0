import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from examples.recommender.demo.observe import Alarm, Observation, Slot
from examples.recommender.demo.recording import Deploy, Recording
from examples.recommender.demo.rollouts import Rollout, Step
from examples.recommender.model import train
from examples.recommender.model.archive import pack
from examples.recommender.model.data import Purchases, make_purchases
from examples.recommender.model.inference import Model
from examples.recommender.shop.traffic import Outcome, Request, attribute

START = 1_800_000_000.0
ALARM = "Recommender-variant-a-ErrorRate"


@pytest.fixture(scope="session")
def purchases() -> Purchases:
    return make_purchases()


@pytest.fixture(scope="session")
def models(purchases: Purchases) -> Mapping[str, Model]:
    return train.train(purchases)


@pytest.fixture(scope="session")
def archives(models: Mapping[str, Model], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("archives")
    for name, model in models.items():
        pack(model, folder / name)
    return {name: folder / name for name in models}


@pytest.fixture
def model_dir(archives: Mapping[str, Path], tmp_path: Path) -> Path:
    """What SageMaker finds in /opt/ml/model once it has unpacked v2's archive."""
    with tarfile.open(archives["v2"]) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def staged_weight_b(second: float) -> int:
    """v2 goes to variant-b at 50 s and has all the weight at 150 s; v3 gets 10 % from 300 s to 347 s."""
    if second < 50:
        return 0
    if second < 100:
        return 10
    if second < 150:
        return 50
    return 90 if 300 <= second < 347 else 100


def staged_requests() -> list[Request]:
    rng = np.random.default_rng(7)
    return [_staged_request(number / 30, rng) for number in range(400 * 30)]


def _staged_request(second: float, rng: np.random.Generator) -> Request:
    variant = "variant-b" if rng.random() * 100 < staged_weight_b(second) else "variant-a"
    version = "v2" if variant == "variant-b" else "v1" if second < 250 else "v3"
    failed = version == "v3" and rng.random() < 1 / 8
    return Request(
        sent_at=START + second,
        latency_ms=float(rng.gamma(9, 1.1 if version == "v1" else 1.6)),
        outcome=Outcome.MODEL_ERROR if failed else Outcome.OK,
        variant=variant,
        version=None if failed else version,
    )


def _staged_rollouts() -> tuple[Rollout, Rollout]:
    def step(percent: int, start: float, end: float) -> Step:
        return Step(percent=percent, shifted_at=START + start, ended_at=START + end, canary_requests=0)

    promoted = Rollout(
        name="v2-1",
        version="v2",
        outcome="PROMOTED",
        reason="all steps passed",
        started_at=START + 40,
        ended_at=START + 200,
        steps=(step(10, 49.8, 99), step(50, 99.8, 149), step(100, 149.8, 199)),
    )
    rolled_back = Rollout(
        name="v3-1",
        version="v3",
        outcome="ROLLED_BACK",
        reason=f"alarm {ALARM} went off",
        started_at=START + 290,
        ended_at=START + 352,
        steps=(step(10, 299.8, 347),),
    )
    return promoted, rolled_back


def _staged_observation(second: float) -> Observation:
    weight_b = staged_weight_b(second)

    def slot(weight: int) -> Slot:
        instances = 2 if weight >= 50 else 1
        return Slot(weight=weight, instances=instances, desired_instances=instances, floor=instances)

    since, state = (345, "ALARM") if 345 <= second < 375 else (0, "OK")
    return Observation(
        asked_at=START + second,
        answered_at=START + second + 0.02,
        status="Updating" if 15 <= second < 30 or 265 <= second < 280 else "InService",
        slots={"variant-a": slot(100 - weight_b), "variant-b": slot(weight_b)},
        alarms={ALARM: Alarm(state=state, since=START + since)},
    )


@pytest.fixture(scope="session")
def recording() -> Recording:
    """A demonstration as it should go: v2 promoted, v3 rolled back by the alarm after 47 seconds."""
    return Recording(
        requests=attribute(staged_requests()),
        observations=[_staged_observation(half / 2) for half in range(800)],
        deploys=[
            Deploy(version="v2", started_at=START + 5, ended_at=START + 38),
            Deploy(version="v3", started_at=START + 255, ended_at=START + 288),
        ],
        rollouts=_staged_rollouts(),
    )
