"""The widget on the dashboard: what a rollout does now, as HTML. It reads, and changes nothing.

CloudWatch calls it with the permissions of who looks at the dashboard, at each refresh. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rollout import clients
from rollout.contract.errors import EndpointNotFound, Throttled, Unavailable
from rollout.contract.names import LEDGER_VARIABLE
from rollout.watching.orders import buttons
from rollout.watching.page import fragment, message
from rollout.watching.reading import Reader
from rollout.watching.target import Access, Target
from rollout.watching.view import view_of

if TYPE_CHECKING:
    from rollout.contract.events import Shown

DOCUMENTATION = (
    "Shows the rollout that runs: its steps, weights against observed share, and the evidence of each gate.\n\n"
    "```yaml\n"
    "endpoint: name of the SageMaker endpoint\n"
    "state_machine: ARN of its state machine\n"
    "stack: ID of its stack\n"
    "orders: ARN of the function that the buttons call; left out, there are no buttons\n"
    "```\n"
)
"""What the console shows about the widget, in the format of CloudWatch."""


def handler(event: Shown, _context: object) -> object:
    """Return HTML, or what the widget is when CloudWatch asks that."""
    if event.get("describe"):
        return {"markdown": DOCUMENTATION}
    theme = event.get("widgetContext", {}).get("theme", "auto")
    try:
        return _page(event, theme)
    except EndpointNotFound as error:
        return message(f"There is no endpoint to show yet: {error}", theme=theme, tone="mind")
    except (Throttled, Unavailable) as error:
        return message(f"AWS does not answer now, look again in a minute: {error}", theme=theme, tone="mind")


def _page(event: Shown, theme: str) -> str:
    target = Target(
        endpoint=event["endpoint"],
        stack_id=event["stack"],
        construct="",
        ledger=os.environ[LEDGER_VARIABLE],
        state_machine_arn=event["state_machine"],
    )
    region = event["state_machine"].split(":")[3]
    view = view_of(Reader(Access(region=region, client=clients.client), target).read())
    orders = buttons(view, event.get("orders", ""), target.state_machine_arn)
    return fragment(view, theme=theme, orders=orders)
