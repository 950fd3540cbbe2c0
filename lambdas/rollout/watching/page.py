"""A look as HTML: the widget on the dashboard, the file of `canary watch --html`, and the report of a rehearsal.

Every string is escaped, also those of the ledger: a version, a reason and a name of an alarm are anybody's words.
CloudWatch removes scripts from a widget, and puts its own behaviour on buttons. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

import re
from collections.abc import Sequence
from html import escape

from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK, RUNNING
from rollout.watching.evidence import GateView
from rollout.watching.style import STYLE
from rollout.watching.view import CANARY, AlarmView, EndedView, RolloutView, SlotView, StageView, StatusView, StepView

THEMES = frozenset({"light", "dark", "auto"})
"""`auto`: as the browser prefers. A dashboard says which one it has."""
TONES = {
    PROMOTED: "good", ROLLED_BACK: "bad", NOT_JUDGED: "mind", RUNNING: "move",
    "OK": "good", "ALARM": "bad", "DELETED": "bad", "INSUFFICIENT_DATA": "mind",
    "PASS": "good", "FAIL": "bad", "CONTINUE": "",
}  # fmt: skip
WORDS = {
    PROMOTED: "promoted", ROLLED_BACK: "rolled back", NOT_JUDGED: "not judged", RUNNING: "running",
    "PASS": "as good as stable", "FAIL": "rolls back", "CONTINUE": "not decided yet",
}  # fmt: skip
CODE = re.compile("`([^`]+)`")
MINUTE = 60


def document(view: StatusView) -> str:
    """Return a whole page that a browser opens from a file."""
    title = escape(f"{view.endpoint}: rollouts")
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title>"
        "<meta name=viewport content='width=device-width'><style>body{margin:0}</style></head>"
        f"<body>{fragment(view, theme='auto')}</body></html>\n"
    )


def fragment(view: StatusView, *, theme: str, orders: str = "") -> str:
    """Return what a dashboard shows. `orders`: the buttons, as HTML."""
    named = f"{escape(view.endpoint)} in {escape(view.region)}, {_moment(view.at)}; endpoint {escape(view.status)}"
    gates = [] if view.rollout is None else view.rollout.gates
    parts = [
        f'<div class="head"><h2>{_words(view.summary)}</h2>{_tag(*_state(view))}</div><p class="soft">{named}</p>',
        *([] if view.rollout is None else _rollout(view.rollout)),
        orders,
        f'<div class="two"><div><h3>Variants</h3>{"".join(map(_slot, view.slots))}</div>{_gates(gates)}</div>',
        _alarms(view.alarms),
        _history(view.history),
    ]
    return framed("".join(parts), theme=theme)


def message(text: str, *, theme: str, tone: str) -> str:
    """Return one sentence. `tone`: `good`, `bad` or `mind`."""
    return framed(_say(text, tone), theme=theme)


def framed(inside: str, *, theme: str) -> str:
    """Return HTML in the colours of a theme; one that is not known is as the browser prefers."""
    chosen = theme if theme in THEMES else "auto"
    return f'<style>{STYLE}</style><div class="canary cwdb-no-default-styles {chosen}">{inside}</div>'


def _state(view: StatusView) -> tuple[str, str]:
    """Return what the endpoint does now, and its tone."""
    rollout = view.rollout
    if rollout is None or rollout.outcome != RUNNING:
        return ("a deploy runs", "move") if view.held_by else ("at rest", "")
    states = (
        (rollout.halted, "loses its traffic", "bad"),
        (rollout.awaits, "needs approval", "mind"),
        (rollout.paused, "paused", "mind"),
        (rollout.approved, "approved", "good"),
        (rollout.outside, "waits for a window", ""),
    )
    return next(((words, tone) for why, words, tone in states if why), ("running", "move"))


def _rollout(rollout: RolloutView) -> list[str]:
    if rollout.outcome != RUNNING:
        said = WORDS.get(rollout.outcome, rollout.outcome)
        return [_say(f"{rollout.version} was {said}: {rollout.reason}", TONES.get(rollout.outcome, ""))]
    parts = [f'<div class="course">{"".join(map(_stage, rollout.course))}</div>' if rollout.course else ""]
    if rollout.step is not None:
        parts.append(_facts(rollout.step, is_held=rollout.is_held))
    if rollout.halted:
        parts.append(_say(f"Its traffic was ordered to zero: {rollout.halted}", "bad"))
    if rollout.paused and rollout.awaits:  # the summary says the other
        parts.append(_say(f"Paused by {rollout.paused}", "mind"))
    if rollout.promoted_at:
        parts.append(_say(f"Promoted at {_moment(rollout.promoted_at)}; the hold-back goes on", "good"))
    return parts


def _stage(stage: StageView) -> str:
    kind = {"passed": "passed", "now": "now"}.get(stage.state, "")
    asks = " · asks" if stage.asks else ""
    return f'<div class="stage {kind}">{escape(stage.title)}<small>{escape(stage.state)}{asks}</small></div>'


def _facts(step: StepView, *, is_held: bool) -> str:
    share = "none yet" if step.share_percent is None else f"{step.share_percent:g} %"
    most = "" if is_held or step.at_most_seconds is None else f", at most {duration(step.at_most_seconds)} more"
    late = "not seen yet" if step.metrics_late_seconds is None else f"metrics come {step.metrics_late_seconds} s late"
    facts = [
        ("share ordered", share, f"step {step.number} of {step.of}"),
        ("baked", duration(step.baked_seconds), f"of {duration(step.bake_seconds)}{most}"),
        ("requests", f"{step.requests:,}", f"of {step.min_requests:,} at least"),
        ("instances", f"{step.instances}", f"of {step.instances_needed} needed; {late}"),
    ]
    cells = (
        f'<div><span class="soft">{name}</span><b>{escape(value)}</b><span class="soft">{escape(more)}</span></div>'
        for name, value, more in facts
    )
    return f'<div class="facts">{"".join(cells)}</div>'


def _slot(slot: SlotView) -> str:
    seen = "not observed yet" if slot.observed_percent is None else f"observed {slot.observed_percent:.1f} %"
    fill = "canary-fill" if slot.role == CANARY else ""
    mark = "" if slot.observed_percent is None else f'<u style="left:{_percent(slot.observed_percent)}"></u>'
    return (
        f'<div class="slot"><div class="row"><b>{escape(slot.version or "not known")}</b>'
        f'<span class="soft">{escape(slot.role)}, {escape(slot.name)}</span></div>'
        f'<div class="share"><i class="{fill}" style="width:{_percent(slot.weight_percent)}"></i>{mark}</div>'
        f'<div class="row soft num"><span>weight {slot.weight_percent:g} % · {seen}</span>'
        f"<span>{_instances(slot)}</span></div></div>"
    )


def _instances(slot: SlotView) -> str:
    wanted = "" if slot.desired_instances == slot.instances else f" → {slot.desired_instances}"
    return f"{slot.instances}{wanted} instance{'' if slot.instances == 1 and not wanted else 's'}"


def _gates(gates: Sequence[GateView]) -> str:
    return f"<div><h3>Evidence</h3>{''.join(map(_gate, gates))}</div>" if gates else ""


def _gate(gate: GateView) -> str:
    """Return a gate. Its bar fills to the left as it is shown that the canary is as good, to the right as it is not."""
    bar = ""
    if gate.rolls_back_at is not None:
        passes = "" if gate.passes_at is None else f"passes early at 1 in {gate.passes_at:,.0f}"
        bar = (
            f'<div class="bar"><i class="proven" style="width:{_percent(50 * gate.proven)}"></i>'
            f'<i class="against" style="width:{_percent(50 * gate.filled)}"></i><u></u></div>'
            f'<div class="ends num"><span>{passes}</span>'
            f"<span>now 1 in {max(1.0, gate.evidence):,.0f}, rolls back at 1 in {gate.rolls_back_at:,.0f}</span></div>"
        )
    return (
        f'<div class="gate"><div class="row"><b>{escape(gate.name)}</b>'
        f"{_tag(WORDS.get(gate.verdict, gate.verdict), TONES.get(gate.verdict, ''))}</div>{bar}"
        f'<p class="soft">{escape(gate.sentence)}</p></div>'
    )


def _alarms(alarms: Sequence[AlarmView]) -> str:
    tags = "".join(_tag(f"{alarm.name}: {alarm.state}", TONES.get(alarm.state, "mind")) for alarm in alarms)
    return f'<h3>Alarms</h3><div class="alarms">{tags}</div>' if tags else ""


def _history(history: Sequence[EndedView]) -> str:
    rows = "".join(map(_ended, history))
    return f"<h3>Last releases</h3><div>{rows}</div>" if rows else ""


def _ended(ended: EndedView) -> str:
    said = WORDS.get(ended.outcome, ended.outcome)
    shares = " → ".join(f"{share:g}" for share in ended.shares)
    reached = f' <span class="soft num">at {shares} %</span>' if shares else ""
    return (
        f'<div class="old"><b>{escape(ended.version or ended.execution)}</b>'
        f"<span>{_tag(said, TONES.get(ended.outcome, ''))}</span>"
        f'<span class="soft num">{_moment(ended.ended_at)}</span>'
        f'<span class="why">{escape(ended.reason)}{reached}</span></div>'
    )


def _say(text: str, tone: str) -> str:
    return f'<p class="say {tone}"><span>{escape(text)}</span></p>'


def _words(text: str) -> str:
    """Return a sentence whose commands stand between backticks."""
    return CODE.sub(r"<code>\1</code>", escape(text))


def _tag(text: str, tone: str) -> str:
    return f'<span class="tag {tone}">{escape(text)}</span>'


def _percent(value: float) -> str:
    return f"{min(100.0, max(0.0, value)):.1f}%"


def _moment(moment: str) -> str:
    """Return a time of the ledger for people, in UTC.

    >>> _moment("2026-11-22T08:00:00.123Z"), _moment("")
    ('2026-11-22 08:00 UTC', '')
    """
    return escape(f"{moment[:16].replace('T', ' ')} UTC") if moment else ""


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(42), duration(600), duration(5400), duration(90000)
    ('42 s', '10 min', '1 h 30 min', '25 h')
    """
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / MINUTE), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
