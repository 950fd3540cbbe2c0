"""What people ask of a rollout: each is one conditional write to the `lock` record of the ledger.

The record exists while a deploy or a rollout works on the endpoint. Each request names the execution that it is meant
for, so that one that comes late does not reach another rollout. DynamoDB answers a request that does not fit with
`ConditionalCheckFailedException`; then nothing was changed. What was asked is copied into the record of the rollout,
which stays: see `records.RolloutRecord`.

An abort acts within seconds: the table's stream calls a handler. Everything else acts at the next look at the rollout,
whose interval is `evaluation_interval_seconds` of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.contract.lock import BY_A_PERSON

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WHY = 400
"""Characters of a reason: it becomes part of sentences, events and the cause of an execution."""
_GOES_ON = "holder = :execution AND attribute_not_exists(sealed) AND attribute_not_exists(halted)"


@dataclass(frozen=True, kw_only=True)
class Order:
    """Who asked for something, when and why.

    `who`: the ARN of the caller's identity, as `sts:GetCallerIdentity` returns it. `at`: in ISO 8601, such as
    `2026-11-29T20:55:00Z`. `why`: the caller's own words, of at most 400 characters.
    """

    who: str
    at: str
    why: str = ""

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Order:
        """Read what `to_json` wrote. What a person wrote by hand may lack something."""
        return cls(**{name: str(record.get(name, "")) for name in cls.__dataclass_fields__})

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return dict(vars(self))

    @property
    def sentence(self) -> str:
        """Return who asked, and why.

        >>> Order(who="arn:aws:sts::1:assumed-role/ops/ann", at="2026-11-29T20:55:00Z", why="wrong model").sentence
        'ann: wrong model'
        """
        name = self.who.rpartition("/")[2] or self.who or "somebody"
        return f"{name}: {self.why}" if self.why else name


@dataclass(frozen=True, kw_only=True)
class Request:
    """One `UpdateItem` on the record `lock`: its update expression, its condition and the values of both."""

    changes: str
    condition: str
    values: Mapping[str, object]


def abort(execution: str, order: Order) -> Request:
    """Take the canary's traffic at once and end the rollout. The release is not judged: its label is not spent.

    In a hold-back it ends the hold-back, and the promoted release keeps all the traffic.
    """
    return Request(
        changes="SET halted = :why, halted_by = :by, halted_at = :at, halted_who = :who",
        condition=_GOES_ON,
        values={
            ":execution": execution,
            ":by": BY_A_PERSON,
            ":why": f"aborted by {order.sentence}",
            ":at": order.at,
            ":who": order.who,
        },
    )


def reject(execution: str, step: int, order: Order) -> Request:
    """Say no to a step that waits for approval. It does what an abort does."""
    refused = abort(execution, order)
    return Request(
        changes=refused.changes,
        condition=f"{_GOES_ON} AND awaits = :step",
        values={**refused.values, ":why": f"approval refused by {order.sentence}", ":step": step},
    )


def approve(execution: str, step: int, order: Order) -> Request:
    """Say yes to a step that waits for approval: `awaits` of the lock is its number, from 0."""
    return Request(
        changes="SET approved = :order",
        condition=f"{_GOES_ON} AND awaits = :step",
        values={":execution": execution, ":step": step, ":order": {**order.to_json(), "step": step}},
    )


def pause(execution: str, order: Order) -> Request:
    """Raise nothing until somebody resumes. Gates, alarms and the brake go on, and can end the rollout.

    A rollout that is held for longer than its plan allows (`hold_seconds`) is rolled back and not judged.
    """
    return Request(
        changes="SET paused = :order",
        condition=f"{_GOES_ON} AND attribute_not_exists(paused)",
        values={":execution": execution, ":order": order.to_json()},
    )


def resume(execution: str, order: Order) -> Request:
    """End a pause, or let a step go on whose evidence is too little and whose plan says to hold it then."""
    return Request(
        changes="SET resumed = :order REMOVE paused",
        condition=f"{_GOES_ON} AND (attribute_exists(paused) OR attribute_exists(inconclusive))",
        values={":execution": execution, ":order": order.to_json()},
    )


def promote(execution: str, step: int, order: Order) -> Request:
    """Skip what is left of the bake of one step, by its number from 0. A gate that has failed still ends the rollout.

    So do alarms. A step that asks for approval has it by this.
    """
    return Request(
        changes="SET hurried = :order",
        condition=_GOES_ON,
        values={":execution": execution, ":order": {**order.to_json(), "step": step}},
    )
