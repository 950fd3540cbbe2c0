"""The events that the handlers get: inputs of tasks from the state machine, and inputs of rules from EventBridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Task(TypedDict):
    """The input of a task. `plan`, `rollout`, `step` and `end` are read by the types of the contract."""

    plan: Mapping[str, object]
    execution: str
    started_at: str
    rollout: Mapping[str, object]
    step: Mapping[str, object]
    end: Mapping[str, object]
    failure: Mapping[str, str]


class AlarmChanged(TypedDict):
    """An alarm went to ALARM. `raised_at`: when, in ISO 8601."""

    settings: Mapping[str, object]
    alarm_name: str
    raised_at: NotRequired[str]


class StreamRecord(TypedDict):
    """One write to the ledger, as its stream tells it. `dynamodb`: the keys of the record, and what it holds now."""

    dynamodb: Mapping[str, Mapping[str, Mapping[str, str]]]


class LedgerChanged(TypedDict):
    """Writes to the ledger that may be orders of a person.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """

    Records: Sequence[StreamRecord]


class ExecutionEnded(TypedDict):
    """An execution of the state machine ended without success. `status`: as Step Functions names it."""

    settings: Mapping[str, object]
    execution: str
    status: str


class StackChanged(TypedDict):
    """The stack reached a terminal status. Without a `status`, the clock asks for a look."""

    settings: Mapping[str, object]
    stack_id: str
    status: NotRequired[str]


class Announced(TypedDict):
    """An event about a rollout, and where people read of it.

    `topic`: an ARN. `dashboard`: an address. `executions`: the address of an execution up to its name.
    """

    topic: str
    dashboard: str
    executions: str
    detail_type: str
    detail: Mapping[str, object]


class WidgetContext(TypedDict, total=False):
    """What CloudWatch tells a custom widget of the dashboard, as far as it is read here.

    `theme`: `light` or `dark`. `forms`: what stands in the fields of the widget, under `all`, by their names.
    """

    dashboardName: str
    theme: str
    forms: Mapping[str, Mapping[str, str]]


class Shown(TypedDict):
    """The dashboard asks for its widget. `stack`: its ID. `orders`: the ARN of what the buttons call.

    `describe`: the console asks what the widget is, and sends nothing else.
    """

    endpoint: str
    state_machine: str
    stack: str
    orders: NotRequired[str]
    describe: NotRequired[bool]
    widgetContext: NotRequired[WidgetContext]


class Pressed(TypedDict):
    """A button was pressed, as `rollout.watching.orders` makes it.

    While a rollout runs it says which one, the `step` that is in force, from 0, and which `question` is asked of it; a
    page of an older library does not. A way back at rest says from which version to which, and the ARN of the
    endpoint's state machine.
    """

    order: str
    endpoint: str
    execution: NotRequired[str]
    step: NotRequired[int]
    question: NotRequired[str]
    leaves: NotRequired[str]
    to: NotRequired[str]
    state_machine: NotRequired[str]
    widgetContext: WidgetContext
