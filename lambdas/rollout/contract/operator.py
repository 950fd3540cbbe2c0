"""What people ask of a rollout: each is one conditional write to the `lock` record of the ledger.

The record exists while a deploy or a rollout works on the endpoint. Each request names the execution that it is meant
for, so that one that comes late does not reach another rollout. DynamoDB answers a request that does not fit with
`ConditionalCheckFailedException`; then nothing was changed. The record of the rollout, which stays, gets who paused and
who approved (`records.StepRecord`), and who aborted as its reason. Who resumed stands in the lock only.

An abort acts within seconds: the table's stream calls a handler. Everything else acts at the next look at the rollout,
whose interval is `evaluation_interval_seconds` of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout.contract.errors import RolledBackByHand
from rollout.contract.lock import BY_A_PERSON, ROLLOUT, Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.contract.order import Order
    from rollout.contract.way_back import WayBack

LONGEST_WHY = 400
"""Characters of a reason: it becomes part of sentences, events and the cause of an execution."""
_OF_A_WAY_BACK = {"kind", "holder", "taken_at", "state_machine", "stable", "canary", "way_back"}
_OF_ANOTHER = sorted({*Lock.__dataclass_fields__, "share_number"} - _OF_A_WAY_BACK)
"""What a record without a holder may hold: somebody wrote into it by hand."""
_GOES_ON = "holder = :execution AND attribute_not_exists(sealed) AND attribute_not_exists(halted)"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One `UpdateItem` on the record `lock`: its update expression, its condition and the values of both.

    `execution`: the rollout that it is meant for. `order`: who wants it, and when.
    """

    execution: str
    order: Order
    changes: str
    condition: str
    values: Mapping[str, object]

    def is_written_in(self, lock: Lock) -> bool:
        """Tell whether the record holds this very order: it was written, and the answer was lost.

        A client repeats a request without an answer, and the condition of the repetition fails at its own first write.
        """
        orders = [lock.paused, lock.resumed, lock.approved, lock.cut_short, lock.way_back and lock.way_back.order]
        halted = (lock.halted_who, lock.halted_at) == (self.order.who, self.order.at)
        return lock.holder == self.execution and (self.order in orders or halted)


def abort(execution: str, order: Order) -> Request:
    """Take the canary's traffic at once and end the rollout. The release is not judged: its label is not spent.

    It does not fit a hold-back, where it would give the promoted release all the traffic: see `keep`.
    """
    return Request(
        execution=execution,
        order=order,
        changes="SET halted = :why, halted_by = :by, halted_at = :at, halted_who = :who",
        condition=f"{_GOES_ON} AND attribute_not_exists(promoted_at)",
        values={
            ":execution": execution,
            ":by": BY_A_PERSON,
            ":why": f"aborted by {order.sentence}",
            ":at": order.at,
            ":who": order.who,
        },
    )


def keep(execution: str, order: Order) -> Request:
    """End a hold-back before its time: the promoted release keeps all the traffic. It fits nothing but a hold-back."""
    ended = abort(execution, order)
    return replace(ended, condition=f"{_GOES_ON} AND attribute_exists(promoted_at)")


def reject(execution: str, step: int, order: Order) -> Request:
    """Say no to a step that waits for approval. It does what an abort does."""
    refused = abort(execution, order)
    return replace(
        refused,
        condition=f"{_GOES_ON} AND awaits = :step",
        values={**refused.values, ":why": f"approval refused by {order.sentence}", ":step": step},
    )


def approve(execution: str, step: int, order: Order, *, what: str) -> Request:
    """Say yes to a step that waits for approval: `awaits` of the lock is its number, from 0.

    `what`: the question that the person has seen, `awaits_what` of the lock. A yes that comes when another is asked of
    the step does not fit.
    """
    return Request(
        execution=execution,
        order=order,
        changes="SET approved = :order",
        condition=f"{_GOES_ON} AND awaits = :step AND awaits_what = :what",
        values={":execution": execution, ":step": step, ":what": what, ":order": {**order.to_json(), "step": step}},
    )


def promote(execution: str, step: int, order: Order) -> Request:
    """Count the bake of a step, by its number from 0, as over; a paced share goes to the step's own at once.

    Time and the harm budget's pace are skipped, and nothing else: the step still needs its requests and what the gates
    ask for at the end of a bake. What holds it goes on to hold it. In a pause, while a step waits for approval and
    after the promotion there is nothing to skip, nor on a way back. A second order for the same step does not fit, nor
    one for an earlier step, which was given before and comes late: it would replace the order for the step of now.
    """
    return Request(
        execution=execution,
        order=order,
        changes="SET cut_short = :order, cut_short_step = :step",
        condition=f"{_GOES_ON} AND attribute_not_exists(paused) AND attribute_not_exists(awaits) AND "
        "attribute_not_exists(promoted_at) AND attribute_not_exists(way_back) AND "
        "(attribute_not_exists(cut_short_step) OR cut_short_step < :step)",
        values={":execution": execution, ":step": step, ":order": order.to_json()},
    )


def pause(execution: str, order: Order) -> Request:
    """Decide nothing that raises exposure until somebody resumes. A share that was decided before is still given.

    Before the first share no instances are asked for either. Gates, alarms and the brake go on, and can end the
    rollout. One that is held for longer than its plan allows (`hold_seconds`) is rolled back and not judged. In a
    hold-back, after the promotion, there is nothing to pause.
    """
    return Request(
        execution=execution,
        order=order,
        changes="SET paused = :order",
        condition=f"{_GOES_ON} AND attribute_not_exists(paused) AND attribute_not_exists(promoted_at) AND "
        "attribute_not_exists(way_back)",
        values={":execution": execution, ":order": order.to_json()},
    )


def roll_back(execution: str, way_back: WayBack, *, state_machine: str, stable: str, canary: str) -> Request:
    """Begin the way back after a promotion: take the lock for it. Then start this execution with the input `{}`.

    `canary`: the idle slot, with the former release. `execution`: a name that no execution has had, as
    `executions.execution_name` makes it. It fits while nobody has the lock. Prepare looks again whether the slots hold
    what the order names. If nobody starts the execution, `settle` does within a quarter of an hour.
    """
    return Request(
        execution=execution,
        order=way_back.order,
        changes="SET kind = :kind, holder = :execution, taken_at = :at, state_machine = :machine, stable = :stable, "
        f"canary = :canary, way_back = :way_back REMOVE {', '.join(_OF_ANOTHER)}",
        condition="attribute_not_exists(holder)",
        values={
            ":kind": ROLLOUT, ":execution": execution, ":at": way_back.order.at, ":machine": state_machine,
            ":stable": stable, ":canary": canary, ":way_back": way_back.to_json(),
        },
    )  # fmt: skip


def take_back(execution: str, order: Order) -> Request:
    """Take the traffic of a promoted release back in its hold-back, at once. Its label is spent: a person judged it.

    It fits until an alarm or a gate was faster, or the hold-back is over. An abort before it is overruled.
    """
    return Request(
        execution=execution,
        order=order,
        changes="SET halted = :why, halted_by = :by, halted_at = :at, halted_who = :who",
        condition="holder = :execution AND attribute_not_exists(sealed) AND attribute_exists(promoted_at) AND "
        "(attribute_not_exists(halted_by) OR halted_by = :person)",
        values={
            ":execution": execution, ":by": RolledBackByHand.__name__, ":person": BY_A_PERSON,
            ":why": f"rolled back by {order.sentence}", ":at": order.at, ":who": order.who,
        },
    )  # fmt: skip


def resume(execution: str, order: Order) -> Request:
    """End a pause."""
    return Request(
        execution=execution,
        order=order,
        changes="SET resumed = :order REMOVE paused",
        condition=f"{_GOES_ON} AND attribute_exists(paused)",
        values={":execution": execution, ":order": order.to_json()},
    )
