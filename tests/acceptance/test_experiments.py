"""Whatever an experiment shows, the endpoint is as before when it is over."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary_tools.acceptance.experiments import change_of_bounds, change_of_weights
from tests.acceptance.scenes import look, scene

BUSY = ClientError({"Error": {"Code": "ValidationException", "Message": "Cannot update in-progress endpoint"}}, "x")


class Endpoint:
    """An endpoint that carries out every change after some looks, and takes none meanwhile."""

    def __init__(self, *, refuses: bool = True, moves: bool = True, launches: bool = True) -> None:
        self.weights = {"variant-a": 100.0, "variant-b": 0.0}
        self.counts = {"variant-a": 1, "variant-b": 1}
        self.bounds: list[int] = []
        self._refuses, self._moves, self._launches = refuses, moves, launches
        self._pending: Any = None
        self._looks_left = 0
        self._now = 0.0

    def look(self) -> Any:
        self._now += 1
        self._looks_left -= 1
        if self._pending is not None and self._looks_left <= 0:
            self._pending, done = None, self._pending
            done()
        desired = {"variant-a": 1, "variant-b": self.bounds[-1] if self.bounds and self._moves else 1}
        status = "InService" if self._pending is None else "Updating"
        return look(
            self._now, status=status, weights=dict(self.weights), counts=dict(self.counts), desired_counts=desired
        )

    def update_endpoint_weights_and_capacities(self, *, DesiredWeightsAndCapacities: Any, **_: Any) -> None:  # noqa: N803 - boto3's names
        if self._pending is not None and self._refuses:
            raise BUSY
        weights = {row["VariantName"]: row["DesiredWeight"] for row in DesiredWeightsAndCapacities}
        self._begin(lambda: self.weights.update(weights))

    def register_scalable_target(self, *, MinCapacity: int, **_: Any) -> None:  # noqa: N803 - boto3's names
        self.bounds.append(MinCapacity)
        if self._moves and (self._launches or MinCapacity == 1):
            self._begin(lambda: self.counts.update({"variant-b": MinCapacity}))

    def _begin(self, change: Any) -> None:
        self._pending, self._looks_left = change, 4


def at(endpoint: Endpoint) -> Any:
    here: Any = scene()
    pace = SimpleNamespace(update=0.2, look_again=0.001)
    object.__setattr__(here, "account", SimpleNamespace(pace=pace, make_client=lambda _: endpoint))
    object.__setattr__(here, "endpoint", endpoint)
    return here


@pytest.mark.parametrize("refuses", [True, False])
def test_weights_are_as_before(refuses: object) -> None:
    endpoint = Endpoint(refuses=bool(refuses))
    shown = change_of_weights(at(endpoint))
    assert endpoint.weights == {"variant-a": 100.0, "variant-b": 0.0}
    assert ("in-progress" in shown.refusal) is refuses
    assert shown.status == "Updating"


@pytest.mark.parametrize(("moves", "seconds"), [(True, 4.0), (False, None)])
def test_bounds_are_as_before(moves: object, seconds: float | None) -> None:
    endpoint = Endpoint(moves=bool(moves))
    shown = change_of_bounds(at(endpoint))
    assert (endpoint.bounds[0], endpoint.bounds[-1], endpoint.counts["variant-b"]) == (2, 1, 1)
    assert (shown.seconds is None) is (seconds is None)


def test_bounds_are_as_before_when_no_instance_comes() -> None:
    endpoint = Endpoint(launches=False)
    with pytest.raises(TimeoutError, match="2 instances"):
        change_of_bounds(at(endpoint))
    assert endpoint.bounds[-1] == 1
