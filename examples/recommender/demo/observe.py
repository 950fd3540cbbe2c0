"""Watches an endpoint, its alarms and its rollouts, and keeps what it saw."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from examples.recommender.demo.rollouts import Ledger, Rollout
from examples.recommender.shop.repeated import Repeated

POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One production variant: its percentage of all weights; its instances in service, desired and at the floor."""

    weight: float
    instances: int
    desired_instances: int
    floor: int | None
    """The scaling floor; ``None`` if the variant is not a scaling target."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """The state of an alarm, and when it entered this state, in seconds since the epoch."""

    state: str
    since: float


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one poll saw; the poll began at ``asked_at`` and ended at ``answered_at`` (seconds since the epoch)."""

    asked_at: float
    answered_at: float
    status: str
    slots: Mapping[str, Slot]
    alarms: Mapping[str, Alarm] = field(default_factory=dict[str, Alarm])
    rollouts: Sequence[Rollout] = ()


class EndpointReader:
    """Takes one observation of an endpoint with the clients that ``make_client`` makes by service name."""

    def __init__(self, make_client: Callable[[str], Any], *, endpoint_name: str, ledger: Ledger) -> None:
        self._sagemaker = make_client("sagemaker")
        self._cloudwatch = make_client("cloudwatch")
        self._scaling = make_client("application-autoscaling")
        self._endpoint_name = endpoint_name
        self._ledger = ledger

    def read(self) -> Observation:
        """Describe the endpoint with its scaling floors, its alarms and its rollouts."""
        floors = self._floors()
        asked_at = time.time()
        endpoint = self._sagemaker.describe_endpoint(EndpointName=self._endpoint_name)
        answered_at = time.time()
        variants = endpoint.get("ProductionVariants", ())
        weights = sum(_weight(slot) for slot in variants)
        return Observation(
            asked_at=asked_at,
            answered_at=answered_at,
            status=endpoint["EndpointStatus"],
            slots={slot["VariantName"]: _parse_slot(slot, floors, weights=weights) for slot in variants},
            alarms=self._alarms(),
            rollouts=self._ledger.rollouts(),
        )

    def _floors(self) -> dict[str, int]:
        pages = self._scaling.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace="sagemaker", ScalableDimension="sagemaker:variant:DesiredInstanceCount"
        )
        prefix = f"endpoint/{self._endpoint_name}/variant/"
        return {
            target["ResourceId"].removeprefix(prefix): target["MinCapacity"]
            for page in pages
            for target in page["ScalableTargets"]
            if target["ResourceId"].startswith(prefix)
        }

    def _alarms(self) -> dict[str, Alarm]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return {
            alarm["AlarmName"]: _parse_alarm(alarm)
            for page in pages
            for alarm in [*page["MetricAlarms"], *page["CompositeAlarms"]]
            # Target tracking has its own alarms. They control scaling and say nothing about a release.
            if not alarm["AlarmName"].startswith("TargetTracking-")
        }


class Observer(Repeated):
    """Looks at the endpoint while the ``with`` block lasts, and keeps every observation; any thread may read."""

    def __init__(self, read: Callable[[], Observation], *, poll_seconds: float = POLL_SECONDS) -> None:
        super().__init__(self._poll, every_seconds=poll_seconds, name="observer")
        self._read = read
        self._observations: list[Observation] = []
        self._changed = threading.Condition()
        self._failure: Exception | None = None

    @property
    def observations(self) -> list[Observation]:
        """All so far, the oldest first."""
        with self._changed:
            return list(self._observations)

    @property
    def latest(self) -> Observation | None:
        """The last one; ``None`` before the first poll."""
        with self._changed:
            return self._observations[-1] if self._observations else None

    def wait_for(self, condition: Callable[[Observation], bool], *, seconds: float, what: str) -> Observation:
        """Wait for an observation that meets the condition.

        Raises:
            TimeoutError: none did within ``seconds``; the message names ``what`` and the last observation.

        """
        with self._changed:
            met = self._changed.wait_for(
                lambda: bool(self._observations) and condition(self._observations[-1]), timeout=seconds
            )
            if met:
                return self._observations[-1]
            last = self._observations[-1] if self._observations else None
        raise TimeoutError(f"{what} did not happen within {seconds:.0f} s; last seen: {self._failure or last}")

    def _poll(self) -> None:
        try:
            observation = self._read()
        except (ClientError, BotoCoreError) as failure:  # a poll that fails is one observation fewer
            self._failure = failure
            return
        with self._changed:
            self._failure = None
            self._observations.append(observation)
            self._changed.notify_all()


def _weight(slot: Mapping[str, Any]) -> float:
    return float(slot.get("CurrentWeight", 0))


def _parse_slot(slot: Mapping[str, Any], floors: Mapping[str, int], *, weights: float) -> Slot:
    return Slot(
        weight=100 * _weight(slot) / weights if weights else 0.0,
        instances=int(slot.get("CurrentInstanceCount", 0)),
        desired_instances=int(slot.get("DesiredInstanceCount", 0)),
        floor=floors.get(slot["VariantName"]),
    )


def _parse_alarm(alarm: Mapping[str, Any]) -> Alarm:
    return Alarm(state=alarm["StateValue"], since=alarm["StateUpdatedTimestamp"].timestamp())
