"""A button on the dashboard was pressed: write the order into the ledger, as the `canary` command does.

CloudWatch calls this function with the permissions of who pressed it, and IAM decides whether that person may. Lambda
does not tell a function who called it. So the ledger gets the name of the dashboard, the request of Lambda, which a
data event in CloudTrail has beside the caller's identity, and what the person typed. Sources:
https://docs.aws.amazon.com/lambda/latest/dg/python-context.html,
https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rollout import clients, clock
from rollout.contract.errors import NothingToRelease, RolloutError, Throttled, Unavailable
from rollout.contract.names import is_state_machine_of
from rollout.contract.operator import LONGEST_WHY
from rollout.contract.order import Order
from rollout.endpoint import Endpoint
from rollout.ledger import Ledger
from rollout.watching.going_back import GoingBack
from rollout.watching.orders import BUTTONS, WHY_FIELD, Meant
from rollout.watching.page import message

if TYPE_CHECKING:
    from rollout.contract.events import Pressed

NOT_FITTING = "Nothing was changed: that does not fit the rollout any more. Refresh the dashboard."
REFUSED = "Nothing was changed: {refusal}."
OF_ANOTHER = "{machine} is not the state machine of endpoint {endpoint}"
NOT_WRITTEN = "It is not known whether that was written: {error}. Refresh the dashboard."


class Context(Protocol):
    """What this handler asks of the Lambda context."""

    aws_request_id: str


def handler(event: Pressed, context: Context) -> str:
    """Return what was done, as HTML."""
    seen = event["widgetContext"]
    order = Order(
        who=f"dashboard {seen.get('dashboardName', '')} (Lambda request {context.aws_request_id})",
        at=f"{clock.iso(clock.now())[:19]}Z",
        why=" ".join(str(seen.get("forms", {}).get("all", {}).get(WHY_FIELD, "")).split())[:LONGEST_WHY],
    )
    button, theme = BUTTONS[event["order"]], seen.get("theme", "auto")
    try:
        if button.request is None:
            fits = _go_back(event, order)
        else:
            meant = Meant(execution=event["execution"], step=event["step"], question=event.get("question", ""))
            fits = Ledger(event["endpoint"]).ask(button.request(meant, order))
    except (Throttled, Unavailable) as error:
        return message(NOT_WRITTEN.format(error=error), theme=theme, tone="bad")
    except RolloutError as refusal:
        return message(REFUSED.format(refusal=refusal), theme=theme, tone="mind")
    return message(button.done if fits else NOT_FITTING, theme=theme, tone="good" if fits else "mind")


def _go_back(event: Pressed, order: Order) -> bool:
    """Begin the way back that the page showed. `False`: by now it would be from or to another version.

    Raises:
        NothingToRelease: when there is no way back, or the page names the state machine of another endpoint.
        EndpointUnusable, Throttled, Unavailable: as `GoingBack` says.
    """
    if not is_state_machine_of(event["endpoint"], event["state_machine"]):
        raise NothingToRelease(OF_ANOTHER.format(machine=event["state_machine"], endpoint=event["endpoint"]))
    back = GoingBack(
        ledger=Ledger(event["endpoint"]),
        endpoint=Endpoint(event["endpoint"]),
        executions=clients.client("stepfunctions"),
        state_machine_arn=event["state_machine"],
    )
    plan = back.plan()
    if (plan.leaves, plan.to) != (event["leaves"], event["to"]):
        return False
    back.begin(plan, order)
    return True
