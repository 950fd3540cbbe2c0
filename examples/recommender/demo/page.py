"""Writes ``demo-report.html``: the picture, what became of each release, and every check, on one page."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from rollout.contract.names import PROMOTED

from examples.recommender.demo.checks import Check
from examples.recommender.demo.report import ReleaseReport, Report
from examples.recommender.demo.summary import reason_of

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
img { max-width: 100%; height: auto; background: white; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 0.25rem 0.75rem; border-bottom: 1px solid #8886; white-space: nowrap; }
.promoted { border-left: 0.4rem solid #2a9d57; padding-left: 0.8rem; }
.ended { border-left: 0.4rem solid #d1495b; padding-left: 0.8rem; }
.failed { color: #d1495b; font-weight: bold; }
"""


def write_page(report: Report, checks: Sequence[Check], *, picture: Path, path: Path) -> None:
    """Write one file that needs nothing beside it; the picture is inside."""
    image = base64.b64encode(picture.read_bytes()).decode()
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>canary-construct: the demonstration</title><style>{STYLE}</style></head><body>",
        "<h1>What became of each release</h1>",
        f'<p><img alt="weights, errors, latency and clicks over time" src="data:image/png;base64,{image}"></p>',
        *(line for release in report["releases"] for line in _release(release)),
        "<h2>Who answered</h2>",
        *_requests(report),
        "<h2>What was checked</h2><ul>",
        *(_check(each) for each in checks),
        "</ul></body></html>",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _release(release: ReleaseReport) -> Iterable[str]:
    kind = "promoted" if release["outcome"] == PROMOTED else "ended"
    yield f'<section class="{kind}"><h2>{escape(release["version"])}: {escape(release["outcome"])}</h2>'
    yield f"<p>{escape(reason_of(release))}</p>"
    steps = [
        (
            f"{step['percent']:g} %",
            f"{step['observed_share']:.1%}",
            f"{step['canary_requests']:,}",
            "" if step["seconds"] is None else f"{step['seconds']:.0f}",
        )
        for step in release["steps"]
    ]
    yield from _table(("share", "observed share", "requests to the canary", "seconds"), steps)
    yield "</section>"


def _requests(report: Report) -> Iterable[str]:
    requests = report["requests"]
    rows = [
        (
            version,
            f"{answers['ok']:,}",
            f"{answers['model_error']:,}",
            "" if answers["p99_ms"] is None else f"{answers['p99_ms']:.0f}",
        )
        for version, answers in requests["by_version"].items()
    ]
    yield from _table(("release", "answered well", "failed", "99th percentile, ms"), rows)
    yield f"<p>{requests['sent']:,} requests were sent, {requests['unanswered']:,} were not answered.</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield '<div class="wide"><table><tr>' + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</table></div>"


def _check(check: Check) -> str:
    return f"<li{'' if check.holds else ' class=failed'}>{escape(str(check))}</li>"
