"""The record of a rollout in the ledger. DynamoDB returns its numbers as `Decimal`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet


class GateRecord(TypedDict):
    """What a gate said in the last evaluation. The numbers are written as text."""

    name: str
    verdict: str
    sentence: str
    log_evidence: str
    dispersion: str


class StepRecord(TypedDict):
    """One step of a rollout. Times are in ISO 8601.

    `approved`, `paused`, `promoted` (the rest of its bake was skipped): who said so, when and why, as
    `contract.order.Order` writes it.
    """

    percent: float
    shifted_at: str
    canary_requests: int
    reason: NotRequired[str]
    gates: NotRequired[Sequence[GateRecord]]
    cohort: NotRequired[Mapping[str, object]]
    metrics_late_seconds: NotRequired[int]
    missing: NotRequired[Sequence[str]]
    skipped: NotRequired[Sequence[str]]
    slow_requests: NotRequired[str]
    approved: NotRequired[Mapping[str, str]]
    paused: NotRequired[Mapping[str, str]]
    promoted: NotRequired[Mapping[str, str]]
    ended_at: NotRequired[str]


class RolloutRecord(TypedDict, total=False):
    """One rollout. `told`: which events about it were sent, by their marks. Times are in ISO 8601.

    `promoted_at`: since when the release is promoted and held beside the former one; the outcome comes when that is
    over.
    """

    version: str
    digest: str
    outcome: str
    reason: str
    started_at: str
    ended_at: str
    steps: Sequence[StepRecord]
    former: str
    way_back: Mapping[str, str]
    told: AbstractSet[str]
    promoted_at: str
