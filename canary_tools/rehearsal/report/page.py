"""The report of a rehearsal: one page without anything outside of it, and its pictures as files beside it."""

import base64
import html
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rollout.watching.page import fragment
from rollout.watching.view import StatusView

from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.report.pictures import Picture, in_order, pictures
from canary_tools.rehearsal.report.sentences import changed, duration
from canary_tools.rehearsal.scenario import Behaviour, Change, Fault, Missing, Traffic

_STYLE = """
body { font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #20252b; background: #f6f7f9;
       margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 0 0 2px; }
.lead { color: #59626d; margin: 0 0 18px; }
.card { background: #fff; border: 1px solid #e3e6ea; border-radius: 10px; padding: 16px 20px; margin: 0 0 16px; }
.verdict { border-left: 6px solid var(--tone); } .verdict b { color: var(--tone); font-size: 19px; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px; }
.numbers div { background: #fff; border: 1px solid #e3e6ea; border-radius: 10px; padding: 10px 14px; }
.numbers b { display: block; font-size: 20px; } .numbers span, .caption, td.when { color: #59626d; font-size: 14px; }
.caption { margin: 0 0 8px; } .wide { overflow-x: auto; } img { width: 100%; min-width: 860px; display: block; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid #eef0f2; vertical-align: top; }
td.when { white-space: nowrap; width: 84px; }
h1, .lead, .verdict, .numbers div { overflow-wrap: anywhere; }
@media (max-width: 640px) {
  main { padding: 16px 10px 40px; } .card { padding: 12px; }
  .steps tr { display: grid; grid-template-columns: repeat(3, 1fr); }
  .steps :is(td, th):last-child { grid-column: 1 / -1; }
}
"""
_AMBER = "#8a6d00"
_VIEWPORT = '<meta name=viewport content="width=device-width, initial-scale=1">'
"""Without it a telephone shows the page as small as on a screen of 980 pixels."""
_TONES = {"PROMOTED": "#1a7f4b", "ROLLED_BACK": "#b2182b", "NOT_JUDGED": _AMBER}
_VERDICTS = {
    "PROMOTED": "The new release was promoted",
    "ROLLED_BACK": "The new release was rolled back",
    "NOT_JUDGED": "The rollout ended without a judgement of the new release",
}


def write_report(rehearsed: Rehearsed, path: Path) -> None:
    """Write the page, and each of its pictures as `<page>-<name>.png`."""
    drawn = pictures(rehearsed)
    path.write_text(page(rehearsed, drawn), encoding="utf-8")
    for picture in drawn:
        path.with_name(f"{path.stem}-{picture.name}.png").write_bytes(picture.png)


def page(rehearsed: Rehearsed, drawn: list[Picture]) -> str:
    """Return the page as HTML."""
    name = html.escape(rehearsed.declared.endpoint_name)
    parts = [
        f"<h1>Rehearsal of a rollout on {name}</h1><p class=lead>{_scenario(rehearsed)}</p>",
        _verdict(rehearsed.result),
        _numbers(rehearsed.result),
        *(_picture(picture) for picture in drawn),
        _steps(rehearsed.result),
        _dashboard(rehearsed.last_look),
        _happenings(rehearsed),
    ]
    head = f"<meta charset=utf-8>{_VIEWPORT}<title>Rehearsal: {name}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body><main>{''.join(parts)}</main></body></html>\n"


def _scenario(rehearsed: Rehearsed) -> str:
    """Return the whole scenario in words, so that the page says what was made to go wrong."""
    scenario = rehearsed.scenario
    parts = [
        *_traffic(scenario.traffic),
        f"stable {_behaviour(scenario.stable)}",
        f"the new release {_behaviour(scenario.canary)}",
        *map(_change, scenario.changes),
        f"metrics come {scenario.metric_delays}",
        *map(_missing, scenario.missing),
        *_undocumented(scenario.undocumented),
        f"a new instance serves after {scenario.launch_s:g} s",
        *_limit(scenario.max_rps_per_instance),
        *map(_fault, scenario.faults),
        *(f"{control.do} at {duration(control.at_s)}" for control in scenario.controls),
        f"seed {scenario.seed}",
    ]
    return html.escape("; ".join(parts)) + "."


def _missing(missing: Missing) -> str:
    of = {"both": "", "stable": " of stable", "canary": " of the new release"}[missing.who]
    what = f"{missing.metric}{of} is" if missing.metric else f"metrics{of} are"
    return f"{what} missing {_time(missing.from_s, missing.to_s)}"


def _undocumented(undocumented: Undocumented) -> Iterator[str]:
    usual = asdict(Undocumented())
    for name, position in asdict(undocumented).items():
        if position != usual[name]:
            yield f"{name} is {position}"


def _traffic(traffic: Traffic) -> Iterator[str]:
    yield f"{traffic.rps:,g} requests a second"
    if traffic.daily_amplitude:
        yield f"{100 * traffic.daily_amplitude:g} % more or fewer in the course of a day"
    if traffic.burst > 1:
        yield f"in bursts: {traffic.burst:g} times the variance of independent requests"


def _behaviour(behaviour: Behaviour) -> str:
    refuses = f"refuses {100 * behaviour.refused_rate:.3g} %, " if behaviour.refused_rate else ""
    return (
        f"fails {100 * behaviour.error_rate:.3g} %, {refuses}takes {behaviour.p50:g} ms (p99 {behaviour.p99:g} ms) "
        f"and converts {100 * behaviour.conversion_rate:.3g} %"
    )


def _change(change: Change) -> str:
    until = None if change.for_s is None else change.at_s + change.for_s
    return f"{_time(change.at_s, until)} {changed(change)}"


def _limit(max_rps_per_instance: float | None) -> Iterator[str]:
    if max_rps_per_instance is not None:
        yield f"an instance serves {max_rps_per_instance:g} requests a second at most"


def _fault(fault: Fault) -> str:
    often = "" if fault.probability == 1 else f" {100 * fault.probability:g} % of the time"
    return f"{fault.call} fails with {fault.error}{often} {_time(fault.at_s, fault.at_s + fault.for_s)}"


def _time(begin: float, end: float | None) -> str:
    return f"from {duration(begin)}" if end is None else f"from {duration(begin)} to {duration(end)}"


def _verdict(result: dict[str, Any]) -> str:
    harmed = _was_promoted_although_it_harms(result)
    tone = _AMBER if harmed else _TONES.get(result["outcome"], "#8a5a00")
    verdict = _VERDICTS.get(result["outcome"], f"The rollout ended as {result['outcome']}")
    safe = "Everything was left safe: one release has all the requests, scaling and lock are as declared."
    if not result["safe_end"]:
        safe = f"The end is not safe: {'; '.join(result['unsafe'])}."
    harm = f", although {result['bad_requests_caused']:,} requests went wrong because of it" if harmed else ""
    return (
        f'<div class="card verdict" style="--tone:{tone}"><b>{html.escape(verdict)} after '
        f"{duration(result['seconds'])}{harm}.</b><br>{html.escape(_said(result['reason'], harmed=harmed))}<br>"
        f"<span class=caption>{html.escape(safe)}</span></div>"
    )


def _was_promoted_although_it_harms(result: dict[str, Any]) -> bool:
    """Tell whether users got bad answers from a release that was promoted: then no green says that all is well."""
    return bool(result["outcome"] == "PROMOTED" and result["bad_requests_caused"])


def _said(reason: str, *, harmed: bool) -> str:
    """Return the rollout's reason, and of a harmful release, how it came to that."""
    return f"The gates tolerated this harm, or saw too little of it: {reason}." if harmed else _sentence(reason)


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:] + "."


def _numbers(result: dict[str, Any]) -> str:
    def seconds(name: str) -> str:
        return "none" if result[name] is None else duration(result[name])

    numbers = {
        "requests went wrong because of the new release": f"{result['bad_requests_caused']:,}",
        "of these at the release before": f"{result['bad_requests_caused_at_stable']:,}",
        "requests reached the new release": f"{result['canary_requests']:,}",
        "from the first exposure of a worse release to the decision": seconds("seconds_to_detect"),
        "from the decision to no more requests": seconds("seconds_to_weight_zero"),
        "requests reached stable": f"{result['stable_requests']:,}",
        "history events of 25,000": f"{result['history_events']:,}",
        "AWS calls": f"{sum(result['api_calls'].values()):,}",
        _cost_label(result): "not known" if result["cost_usd"] is None else f"${result['cost_usd']:.2f}",
    }
    cells = "".join(f"<div><b>{value}</b><span>{label}</span></div>" for label, value in numbers.items())
    return f'<div class=numbers style="margin-bottom:16px">{cells}</div>'


def _cost_label(result: dict[str, Any]) -> str:
    dated = result["prices_as_of"]
    return "cost of the rollout" if dated is None else f"cost of the rollout, instances at prices of {dated}"


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode()
    return (
        f"<div class=card><h2>{picture.title}</h2><p class=caption>{html.escape(picture.caption)}</p>"
        f'<div class=wide><img alt="{picture.title}" src="data:image/png;base64,{data}"></div></div>'
    )


def _steps(result: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{step['title']}</td><td class=when>{duration(step['started_s'])}</td>"
        f"<td>{step['canary_requests']:,}</td><td>{html.escape(step['reason'])}</td></tr>"
        for step in result["steps"]
    )
    header = "<tr><th>Share</th><th>Began at</th><th>Requests seen</th><th>What the gates said last</th></tr>"
    return f"<div class=card><h2>Steps</h2><div class=wide><table class=steps>{header}{rows}</table></div></div>"


def _dashboard(look: StatusView | None) -> str:
    if look is None:
        return ""
    caption = "<p class=caption>So the dashboard, and <code>canary watch --html</code>, would show the end.</p>"
    return f"<div class=card><h2>Dashboard</h2>{caption}<div class=wide>{fragment(look, theme='light')}</div></div>"


def _happenings(rehearsed: Rehearsed) -> str:
    observation = rehearsed.observation
    everything = in_order([*observation.happenings, *observation.bus_happenings()])
    rows = "".join(
        f"<tr><td class=when>{duration(max(happening.at_s, 0))}</td><td>{html.escape(happening.text)}</td></tr>"
        for happening in everything
    )
    return f"<div class=card><h2>What happened</h2><table>{rows}</table></div>"
