"""A look, a history and what a doctor found, as people read them in a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rollout.watching.evidence import GateView
from rollout.watching.page import duration
from rollout.watching.records import Rollout
from rollout.watching.view import AlarmView, RolloutView, SlotView, StatusView

from canary_tools.cli.checks import Finding

BAR = 20
COLOURS = {
    "PROMOTED": "green", "ROLLED_BACK": "red", "NOT_JUDGED": "yellow", "RUNNING": "cyan",
    "OK": "green", "ALARM": "red", "DELETED": "red", "INSUFFICIENT_DATA": "yellow",
    "fine": "green", "look": "yellow", "blocks": "red", "not known": "yellow",
    "PASS": "green", "FAIL": "red", "CONTINUE": "default",
}  # fmt: skip


def status_of(view: StatusView) -> RenderableType:
    """Return a look for people."""
    parts: list[RenderableType] = [
        Text(f"{view.endpoint} (stack {view.stack}, {view.region}) at {_moment(view.at)}: {view.status}", style="bold"),
        Text(view.summary),
        _slots(view.slots),
    ]
    if view.rollout is not None:
        parts += _rollout(view.rollout)
    return Group(*parts, _alarms(view.alarms))


def history_of(rollouts: Sequence[Rollout]) -> RenderableType:
    """Return rollouts for people, the newest first."""
    table = _table("started", "version", "outcome", "shares", "ended", "why", "execution")
    for rollout in reversed(rollouts):
        shares = " → ".join(f"{float(step['percent']):g}" for step in rollout.steps)
        table.add_row(
            _moment(rollout.started_at), rollout.version, _coloured(rollout.outcome), shares,
            _moment(rollout.ended_at), rollout.reason, rollout.execution,
        )  # fmt: skip
    return table


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Return what a doctor found, for people."""
    table = _table("check", "state", "what was found", "see docs/runbook.md")
    for finding in findings:
        anchor = f"#{finding.see}" if finding.see else ""
        table.add_row(finding.check, _coloured(finding.state), finding.sentence, anchor)
    return table


def _slots(slots: Sequence[SlotView]) -> Table:
    table = _table("variant", "role", "version", "weight", "observed", "requests", "instances")
    for slot in slots:
        instances = f"{slot.instances}"
        if slot.desired_instances != slot.instances:
            instances += f" → {slot.desired_instances}"
        table.add_row(
            slot.name, slot.role, slot.version or "not known", f"{slot.weight_percent:g} %",
            "none yet" if slot.observed_percent is None else f"{slot.observed_percent:.1f} %",
            "none yet" if slot.requests is None else f"{slot.requests:,.0f}", instances,
        )  # fmt: skip
    return table


def _rollout(rollout: RolloutView) -> list[RenderableType]:
    parts: list[RenderableType] = [
        Text.assemble(
            f"rollout {rollout.execution} of {rollout.version}, since {_moment(rollout.started_at)}: ",
            _coloured(rollout.outcome),
            f", promoted at {_moment(rollout.promoted_at)}" if rollout.promoted_at else "",
            f", ended {_moment(rollout.ended_at)}" if rollout.ended_at else "",
        )
    ]
    step = rollout.step
    if step is not None:
        most = "" if step.at_most_seconds is None else f", at most {duration(step.at_most_seconds)} more"
        late = "" if step.metrics_late_seconds is None else f"; metrics come {step.metrics_late_seconds} s late"
        parts.append(
            Text(
                f"step {step.number} of {step.of} ({step.title}), {rollout.state}: baked "
                f"{duration(step.baked_seconds)} of {duration(step.bake_seconds)}{most}; {step.requests:,} of "
                f"{step.min_requests:,} requests{late}"
            )
        )
    if rollout.halted:
        parts.append(Text(f"ordered to zero: {rollout.halted}", style="red"))
    if rollout.reason:
        parts.append(Text(rollout.reason))
    return [*parts, _gates(rollout.gates)] if rollout.gates else parts


def _gates(gates: Sequence[GateView]) -> Table:
    table = _table("gate", "verdict", "evidence against the canary", "what it says")
    for gate in gates:
        full = round(BAR * gate.filled)
        bound = (
            "" if gate.rolls_back_at is None else f" 1 in {max(1.0, gate.evidence):,.0f} of {gate.rolls_back_at:,.0f}"
        )
        table.add_row(gate.name, _coloured(gate.verdict), f"{'█' * full}{'░' * (BAR - full)}{bound}", gate.sentence)
    return table


def _alarms(alarms: Sequence[AlarmView]) -> Table:
    table = _table("alarm", "of", "state")
    for alarm in alarms:
        table.add_row(alarm.name, alarm.of, _coloured(alarm.state))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _coloured(word: str) -> Text:
    return Text(word, style=COLOURS.get(word, "default"))


def _moment(moment: str) -> str:
    """Return a time of the ledger for people, in UTC.

    >>> _moment("2026-11-22T08:00:00.123Z"), _moment("")
    ('2026-11-22 08:00:00 UTC', '')
    """
    return f"{moment[:19].replace('T', ' ')} UTC" if moment else ""
