"""What can be ordered from the dashboard: the buttons, and what each of them writes into the ledger."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from rollout.contract import operator
from rollout.contract.names import RUNNING
from rollout.contract.operator import Request
from rollout.contract.order import Order
from rollout.watching.view import RolloutView, StatusView

WHY_FIELD = "why"
"""The name of the text field. A dashboard sends what stands in it as `widgetContext.forms.all.why`."""


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What an order is for, as the page has shown it. `question`: what is asked of the step; empty when nothing is."""

    execution: str
    step: int
    question: str


@dataclass(frozen=True, kw_only=True)
class Button:
    """One order. `asked`: what the dashboard asks before it sends it. `done`: what is said when it was written.

    `request`: what is written for the rollout that runs; `None` for a way back at rest, which `GoingBack` begins.
    """

    title: str
    asked: str
    done: str
    request: Callable[[Meant, Order], Request] | None
    kind: str = ""


BUTTONS: Mapping[str, Button] = {
    "approve": Button(
        title="Approve",
        asked="Approve this step of {version}? The next share follows at the next look.",
        done="Approved. The rollout goes on at its next look.",
        request=lambda meant, order: operator.approve(meant.execution, meant.step, order, what=meant.question),
        kind="first",
    ),
    "reject": Button(
        title="Reject",
        asked="Reject {version}? All the traffic goes back to the release before.",
        done="Rejected. The traffic goes back now.",
        request=lambda meant, order: operator.reject(meant.execution, meant.step, order),
        kind="stop",
    ),
    "resume": Button(
        title="Resume",
        asked="Let the rollout of {version} go on?",
        done="Resumed. The rollout goes on at its next look.",
        request=lambda meant, order: operator.resume(meant.execution, order),
        kind="first",
    ),
    "pause": Button(
        title="Pause",
        asked="Pause the rollout of {version}? Its share stays, and gates and alarms go on.",
        done="Paused. Nothing is raised from the next look on.",
        request=lambda meant, order: operator.pause(meant.execution, order),
    ),
    "abort": Button(
        title="Abort",
        asked="Abort the rollout of {version}? All the traffic goes back to the release before, at once.",
        done="Aborted. The traffic goes back within seconds.",
        request=lambda meant, order: operator.abort(meant.execution, order),
        kind="stop",
    ),
    "keep": Button(
        title="End hold-back",
        asked="End the hold-back of {version}? It keeps all the traffic.",
        done="Ended. The release gets the rest of the traffic.",
        request=lambda meant, order: operator.keep(meant.execution, order),
    ),
    "rollback": Button(
        title="Roll back",
        asked="Roll back {version}? All the traffic goes back to the release before, and the version is spent.",
        done="Rolled back. The traffic goes back within seconds.",
        request=lambda meant, order: operator.take_back(meant.execution, order),
        kind="stop",
    ),
    "go_back": Button(
        title="Roll back",
        asked="Roll back {version}? All the traffic goes back to {to}; instances that are missing for it come first. "
        "{version} is rejected: it needs a new version to be tried again.",
        done="Ordered. All the traffic goes back when the instances for it are there.",
        request=None,
        kind="stop",
    ),
}


def fitting(view: StatusView) -> list[str]:
    """Return the orders that fit the rollout now. Each is checked again when it is written."""
    rollout = view.rollout
    if view.way_back:
        return ["go_back"]
    if rollout is None or rollout.outcome != RUNNING or rollout.halted or rollout.step is None:
        return []
    if rollout.leaves:
        return ["abort"]
    if rollout.promoted_at:
        return ["keep", "rollback"]
    decision = ["approve", "reject"] if rollout.awaits else []
    return [*decision, "resume" if rollout.paused else "pause", "abort"]


def buttons(view: StatusView, function: str, state_machine: str) -> str:
    """Return the buttons as HTML. `function`: the ARN of what the dashboard calls, with the viewer's permissions.

    `state_machine`: the ARN of that of the endpoint. What each button sends is `rollout.contract.events.Pressed`.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_interactivity.html
    """
    names = fitting(view)
    if not names or view.rollout is None or not function:
        return ""
    told = {"endpoint": view.endpoint, **_meant(view, view.rollout, state_machine)}
    words = {"version": view.rollout.version, "to": view.way_back}
    made = "".join(_button(name, words, {**told, "order": name}, function) for name in names)
    field = f'<input name="{WHY_FIELD}" placeholder="Your name, and why" maxlength="{operator.LONGEST_WHY}">'
    return f'<div class="orders">{field}{made}</div>'


def _meant(view: StatusView, rollout: RolloutView, state_machine: str) -> dict[str, Any]:
    """Return what the orders are for, as this page shows it: a button of an old page must change nothing."""
    if view.way_back:
        return {"leaves": rollout.version, "to": view.way_back, "state_machine": state_machine}
    step = 0 if rollout.step is None else rollout.step.number - 1
    return {"execution": rollout.execution, "step": step, "question": rollout.question}


def _button(name: str, words: Mapping[str, str], told: Mapping[str, Any], function: str) -> str:
    button = BUTTONS[name]
    asked = escape(button.asked.format(**words), quote=True)
    return (
        f'<a class="order {button.kind}">{button.title}</a>'
        f'<cwdb-action action="call" display="popup" endpoint="{escape(function, quote=True)}" '
        f'confirmation="{asked}">{escape(json.dumps(told))}</cwdb-action>'
    )
