"""Prints what a demonstration showed."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from examples.recommender.checks import Check
from examples.recommender.report import ReleaseReport, Report, RequestReport


def print_summary(report: Report, checks: Sequence[Check], console: Console) -> None:
    """Print the releases with their steps, the requests by release, and every check."""
    console.print(_releases(report["releases"]))
    console.print(_requests(report["requests"]))
    for check in checks:
        console.print(
            f"[{'green' if check.holds else 'bold red'}]{escape(str(check))}[/]", highlight=False, soft_wrap=True
        )


def _releases(releases: Sequence[ReleaseReport]) -> Table:
    table = Table("release", "outcome", "step", "observed share", "canary requests", "seconds", "reason")
    for release in releases:
        steps = release["steps"]
        table.add_row(
            release["version"],
            release["outcome"],
            "\n".join(f"{step['percent']} %" for step in steps),
            "\n".join(f"{step['observed_share']:.1%}" for step in steps),
            "\n".join(str(step["canary_requests"]) for step in steps),
            "\n".join(f"{step['seconds'] or 0:.0f}" for step in steps),
            escape(_reason(release)),
        )
    return table


def _reason(release: ReleaseReport) -> str:
    delay = release["seconds_from_alarm_to_weight_zero"]
    return release["reason"] + ("" if delay is None else f"\n{delay:.1f} s from the alarm to weight zero")


def _requests(requests: RequestReport) -> Table:
    table = Table("answered by", "ok", "model errors")
    for version, answers in requests["by_version"].items():
        table.add_row(version, str(answers["ok"]), str(answers["model_error"]))
    table.caption = f"{requests['sent']} sent, {requests['unanswered']} unanswered"
    return table
