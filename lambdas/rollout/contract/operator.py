"""What people ask of a rollout: each is one conditional write to the `lock` record of the ledger.

The record exists while a deploy or a rollout works on the endpoint. Each request names the execution that it is meant
for, so that one that comes late does not reach another rollout. DynamoDB answers a request that does not fit with
`ConditionalCheckFailedException`; then nothing was changed. The record of the rollout, which stays, gets who paused and
who approved (`records.StepRecord`), and who aborted as its reason. Who resumed stands in the lock only.

An abort acts within seconds: the table's stream calls a handler. Everything else acts at the next look at the rollout,
whose interval is `evaluation_interval_seconds` of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract.lock import BY_A_PERSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.contract.order import Order

LONGEST_WHY = 400
"""Characters of a reason: it becomes part of sentences, events and the cause of an execution."""
_GOES_ON = "holder = :execution AND attribute_not_exists(sealed) AND attribute_not_exists(halted)"


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


def promote(execution: str, step: int, order: Order) -> Request:
    """Count the bake of a step, by its number from 0, as over; a paced share goes to the step's own at once.

    Time and the harm budget's pace are skipped, and nothing else: the step still needs its requests and what the gates
    ask for at the end of a bake. What holds it goes on to hold it. In a pause, while a step waits for approval and
    after the promotion there is nothing to skip. A second order for the same step does not fit.
    """
    return Request(
        changes="SET cut_short = :order, cut_short_step = :step",
        condition=f"{_GOES_ON} AND attribute_not_exists(paused) AND attribute_not_exists(awaits) AND "
        "attribute_not_exists(promoted_at) AND (attribute_not_exists(cut_short_step) OR cut_short_step <> :step)",
        values={":execution": execution, ":step": step, ":order": order.to_json()},
    )


def pause(execution: str, order: Order) -> Request:
    """Decide nothing that raises exposure until somebody resumes. A share that was decided before is still given.

    Gates, alarms and the brake go on, and can end the rollout. One that is held for longer than its plan allows
    (`hold_seconds`) is rolled back and not judged. In a hold-back, after the promotion, there is nothing to pause.
    """
    return Request(
        changes="SET paused = :order",
        condition=f"{_GOES_ON} AND attribute_not_exists(paused) AND attribute_not_exists(promoted_at)",
        values={":execution": execution, ":order": order.to_json()},
    )


def resume(execution: str, order: Order) -> Request:
    """End a pause."""
    return Request(
        changes="SET resumed = :order REMOVE paused",
        condition=f"{_GOES_ON} AND attribute_exists(paused)",
        values={":execution": execution, ":order": order.to_json()},
    )
