"""Prints what a demonstration showed."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from examples.recommender.checks import Check
from examples.recommender.report import ReleaseReport, Report, RequestReport


def print_summary(report: Report, checks: Sequence[Check], console: Console) -> None:
    """Print the releases with their steps, the requests by release, and every check."""
    console.print(_steps(report["releases"]))
    for release in report["releases"]:
        _print_line(f"{release['version']} {release['outcome']}: {_reason(release)}", "bold", console)
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
                f"{step['percent']} %",
                f"{step['observed_share']:.1%}",
                str(step["canary_requests"]),
                seconds,
            )
    return table


def _reason(release: ReleaseReport) -> str:
    delay = release["seconds_from_alarm_to_weight_zero"]
    return release["reason"] + ("" if delay is None else f"; {delay:.1f} s from the alarm to weight zero")


def _requests(requests: RequestReport) -> Table:
    table = Table("answered by", "ok", "model errors")
    for version, answers in requests["by_version"].items():
        table.add_row(version, str(answers["ok"]), str(answers["model_error"]))
    table.caption = f"{requests['sent']} sent, {requests['unanswered']} unanswered"
    return table
