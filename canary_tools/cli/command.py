"""The command line."""

import io
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rollout.watching.reading import Reader, Reading
from rollout.watching.view import view_of

from canary_tools.cli.aborting import abort as abort_rollout
from canary_tools.cli.checks import Finding
from canary_tools.cli.doctor import findings_of, stands_in_the_way
from canary_tools.cli.html_file import write_page
from canary_tools.cli.orders import ORDERS, Ordered
from canary_tools.cli.outcome import Outcome
from canary_tools.cli.printing import findings_table, history_of, status_of
from canary_tools.cli.promoting import promote as promote_step
from canary_tools.cli.promoting import promotion
from canary_tools.cli.refusals import CannotAct, in_sentences
from canary_tools.cli.rolling_back import roll_back, way_back
from canary_tools.cli.session import Session, open_session
from canary_tools.cli.statuses import Status
from canary_tools.cli.targets import find_target
from canary_tools.cli.waiting import LOOK_AGAIN_SECONDS, wait_for
from canary_tools.cli.waiting import watch as watch_rollout

app = typer.Typer(
    name="canary",
    help="See a rollout of a CanaryEndpoint, wait for it, stop it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Reason = Annotated[str, typer.Option("--why", "--reason", help="Why; it goes into the ledger, with your name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is done.")]
LookAgain = Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks.")]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that all commands have."""

    endpoint: str | None
    stack: str | None
    region: str | None
    profile: str | None

    def session(self) -> Session:
        """Return the caller's session."""
        return open_session(self.region, self.profile)

    def reader(self, session: Session) -> Reader:
        """Return what reads the endpoint that was asked for."""
        return Reader(session, find_target(session, endpoint=self.endpoint, stack=self.stack))


@app.callback()
def options(
    context: typer.Context,
    endpoint: Annotated[
        str | None,
        typer.Option(envvar="CANARY_ENDPOINT", help="Endpoint name or construct ID; left out, the only one there is."),
    ] = None,
    stack: Annotated[str | None, typer.Option(envvar="CANARY_STACK", help="Stack of the endpoint.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; left out, as the credentials say.")] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile; left out, as AWS_PROFILE says.")] = None,
) -> None:
    """See a rollout of a CanaryEndpoint, wait for it, stop it."""
    context.obj = Asked(endpoint=endpoint, stack=stack, region=region, profile=profile)


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the endpoint now: weights, release in each variant, the rollout, its gates and alarms."""
    with _acting():
        _show(_reader(context).read(), as_json=as_json)


@app.command()
def watch(
    context: typer.Context,
    *,
    as_json: AsJson = False,
    every: LookAgain = LOOK_AGAIN_SECONDS,
    html: Annotated[Path | None, typer.Option(help="Keep a page in this file, as the dashboard shows it.")] = None,
) -> None:
    """Show the rollout that runs, live, until its end. With --json, one line for each look."""
    with _acting():
        reader = _reader(context)
        if html is not None:
            outcome = watch_rollout(reader, lambda reading: write_page(view_of(reading), html), look_again=every)
        elif as_json or not sys.stdout.isatty():
            outcome = watch_rollout(
                reader, lambda reading: _show(reading, as_json=as_json, lines=True), look_again=every
            )
        else:
            with Live(console=_console(), auto_refresh=False, vertical_overflow="visible") as live:
                outcome = watch_rollout(
                    reader, lambda reading: live.update(status_of(view_of(reading)), refresh=True), look_again=every
                )
        _end(outcome, quiet=as_json)


@app.command()
def wait(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="Version of the release that was deployed.")],
    *,
    timeout: Annotated[float | None, typer.Option(min=0, help="Minutes; left out, as long as it takes.")] = None,
    through_hold_back: Annotated[bool, typer.Option(help="Wait for the end of the hold-back as well.")] = False,
    every: LookAgain = LOOK_AGAIN_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Wait for the outcome of a release. Status: 0 promoted, 1 rolled back, 3 not judged, 4 nothing, 5 time-out."""
    with _acting():
        outcome = wait_for(
            _reader(context),
            version,
            timeout=None if timeout is None else 60 * timeout,
            through_hold_back=through_hold_back,
            look_again=every,
        )
        if as_json:
            _print_json({**asdict(outcome), "status": outcome.status.name, "version": version})
        _end(outcome, quiet=as_json)


@app.command()
def history(
    context: typer.Context,
    *,
    most: Annotated[int, typer.Option("--last", min=1, help="How many rollouts.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the last rollouts, and why each ended."""
    with _acting():
        rollouts = _reader(context).rollouts()[-most:]
        if as_json:
            _print_json([asdict(each) for each in rollouts])
        else:
            _console().print(history_of(rollouts) if rollouts else "there was no rollout yet")


@app.command()
def abort(
    context: typer.Context,
    *,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Stop the rollout that runs, at once: all the traffic goes back to the release before."""
    with _acting():
        session = _asked(context).session()
        reader = _asked(context).reader(session)
        aborted = abort_rollout(session, reader, reason=reason)
        if as_json:
            _print_json(asdict(aborted))
        else:
            _console().print(f"rollout {aborted.execution} is aborted: {aborted.sentence}", highlight=False)


@app.command()
def approve(context: typer.Context, *, reason: Reason = "", as_json: AsJson = False) -> None:
    """Say yes to the step that waits for a person."""
    _order(context, "approve", reason, as_json=as_json)


@app.command()
def reject(context: typer.Context, *, reason: Reason = "", as_json: AsJson = False) -> None:
    """Say no to the step that waits for a person: the rollout ends, and all the traffic goes back."""
    _order(context, "reject", reason, as_json=as_json)


@app.command()
def pause(context: typer.Context, *, reason: Reason = "", as_json: AsJson = False) -> None:
    """Decide nothing that raises the share until somebody resumes. Gates and alarms go on, and can end the rollout."""
    _order(context, "pause", reason, as_json=as_json)


@app.command()
def resume(context: typer.Context, *, reason: Reason = "", as_json: AsJson = False) -> None:
    """Let a paused rollout go on."""
    _order(context, "resume", reason, as_json=as_json)


@app.command()
def promote(context: typer.Context, *, reason: Reason = "", yes: Yes = False, as_json: AsJson = False) -> None:
    """Skip what is left of the bake that runs now. Gates, alarms and instances stay conditions."""
    with _acting():
        session = _asked(context).session()
        reader = _asked(context).reader(session)
        asked = promotion(reader)
        _confirm(asked.question, yes=yes)
        _show_order(promote_step(session, reader, asked, reason=reason), as_json=as_json)


@app.command()
def rollback(context: typer.Context, *, reason: Reason = "", yes: Yes = False, as_json: AsJson = False) -> None:
    """Go back after a promotion: all the traffic for the release before. The release that is left is rejected."""
    with _acting():
        session = _asked(context).session()
        reader = _asked(context).reader(session)
        plan = way_back(session, reader)
        _confirm(plan.question, yes=yes)
        done = roll_back(session, reader, plan, reason=reason)
        if as_json:
            _print_json(asdict(done))
        else:
            _console().print(f"rollout {done.execution}: {done.sentence}", highlight=False)


def _confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be taken back.

    Raises:
        CannotAct: when the person says no, or nobody is there to ask.
    """
    if yes:
        return
    typer.echo(question, err=True)
    try:
        agreed = typer.confirm("Go on?", err=True)
    except typer.Abort as nobody:
        raise CannotAct("nobody answered, and nothing was changed; --yes answers beforehand") from nobody
    if not agreed:
        raise CannotAct("nothing was changed")


def _order(context: typer.Context, what: str, reason: str, *, as_json: bool) -> None:
    with _acting():
        session = _asked(context).session()
        _show_order(ORDERS[what](session, _asked(context).reader(session), reason=reason), as_json=as_json)


def _show_order(ordered: Ordered, *, as_json: bool) -> None:
    if as_json:
        _print_json(asdict(ordered))
    else:
        _console().print(f"rollout {ordered.execution}: {ordered.sentence}", highlight=False)


@app.command()
def doctor(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say whether a release could start now, and what stands in its way. Exit status 6 when something does."""
    with _acting():
        session = _asked(context).session()
        found = findings_of(_asked(context).reader(session), session)
        _show_findings(found, as_json=as_json)
        if stands_in_the_way(found):
            raise typer.Exit(Status.IN_THE_WAY)


def _show_findings(found: list[Finding], *, as_json: bool) -> None:
    if as_json:
        _print_json([asdict(each) for each in found])
    else:
        _console().print(findings_table(found))


def _asked(context: typer.Context) -> Asked:
    asked = context.obj
    assert isinstance(asked, Asked)
    return asked


def _reader(context: typer.Context) -> Reader:
    return _asked(context).reader(_asked(context).session())


def _show(reading: Reading, *, as_json: bool, lines: bool = False) -> None:
    view = view_of(reading)
    if not as_json:
        _console().print(status_of(view))
    elif lines:
        typer.echo(json.dumps(view.to_json(), default=_plain))
    else:
        _print_json(view.to_json())


def _end(outcome: Outcome, *, quiet: bool) -> None:
    if not quiet:
        _console().print(outcome.sentence, highlight=False)
    raise typer.Exit(outcome.status)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> float:
    """Return a number of the ledger as JSON has it."""
    return float(value)


def _console() -> Console:
    """Return what prints as it is: a reason or an alarm's name may have brackets and colons, and no style in them."""
    return Console(soft_wrap=False, markup=False, emoji=False)


@contextmanager
def _acting() -> Iterator[None]:
    """Say in a sentence what could not be done, and end with its status."""
    try:
        with in_sentences():
            yield
    except CannotAct as refusal:
        typer.echo(f"canary: {refusal}", err=True)
        raise typer.Exit(refusal.status) from refusal
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(Status.INTERRUPTED) from interrupt


def main() -> int:
    """Run the command; it ends the process with its status.

    A command that breaks cannot act, and says nothing of a release: Python's own status for that is 1. What the output
    has no letter for is `?`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except Exception:  # noqa: BLE001 - whatever it is, it is no outcome of a rollout
        traceback.print_exc()
        return Status.CANNOT_ACT
    return Status.DONE
