"""Prints what a demonstration showed."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rollout.contract.names import PROMOTED

from examples.recommender.demo.checks import Check
from examples.recommender.demo.report import LiftReport, RateReport, ReleaseReport, Report, RequestReport


def print_summary(report: Report, checks: Sequence[Check], console: Console) -> None:
    """Print the releases with their steps, the requests by release, and every check."""
    console.print(_steps(report["releases"]))
    for release in report["releases"]:
        _print_line(f"{release['version']} {release['outcome']}: {reason_of(release)}", "bold", console)
        if release["conversion"] is not None:
            interval = release["outcome"] == PROMOTED
            _print_line(f"  {_lift(release['conversion'], interval=interval)}", "", console)
    console.print(_requests(report["requests"]))
    for check in checks:
        _print_line(str(check), "green" if check.holds else "bold red", console)


def _print_line(text: str, style: str, console: Console) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _steps(releases: Sequence[ReleaseReport]) -> Table:
    table = Table("release", "step", "observed share", "canary requests", "seconds")
    for release in releases:
        for step in release["steps"]:
            seconds = "" if step["seconds"] is None else f"{step['seconds']:.0f}"
            table.add_row(
                release["version"],
                f"{step['percent']:g} %",
                f"{step['observed_share']:.1%}",
                str(step["canary_requests"]),
                seconds,
            )
    return table


def reason_of(release: ReleaseReport) -> str:
    """Say why a rollout ended, and how soon after its alarm the canary had no traffic."""
    delay = release["seconds_from_alarm_to_weight_zero"]
    return release["reason"] + ("" if delay is None else f"; {delay:.1f} s from the alarm to weight zero")


def _lift(lift: LiftReport, *, interval: bool) -> str:
    """Describe the clicks. The interval is given only when the clicks did not end the comparison."""
    difference, low, high = (f"{100 * lift[key]:+.1f}" for key in ("difference", "low", "high"))
    words = f"clicked: canary {_rate(lift['canary'])}, stable {_rate(lift['stable'])}; {difference} percentage points"
    return f"{words}, 95 % interval {low} to {high}" if interval else words


def _rate(rate: RateReport) -> str:
    return f"{rate['clicked']} of {rate['shown']} ({rate['clicked'] / rate['shown']:.1%})"


def _requests(requests: RequestReport) -> Table:
    table = Table("answered by", "ok", "model errors", "p99 ms")
    for version, answers in requests["by_version"].items():
        p99 = "" if answers["p99_ms"] is None else f"{answers['p99_ms']:.0f}"
        table.add_row(version, str(answers["ok"]), str(answers["model_error"]), p99)
    table.caption = f"{requests['sent']} sent, {requests['unanswered']} unanswered"
    return table
