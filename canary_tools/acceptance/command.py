"""The command line."""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from canary_tools.acceptance.account import Account, CannotStart, live_account
from canary_tools.acceptance.cdk import Cdk, CdkFailed
from canary_tools.acceptance.estimate import PRICES_OF, estimate
from canary_tools.acceptance.interrupts import end_like_ctrl_c, held_off
from canary_tools.acceptance.preconditions import check
from canary_tools.acceptance.removal import Removal, endpoints_of_earlier_runs
from canary_tools.acceptance.run import Run
from canary_tools.acceptance.stack import Stack
from canary_tools.acceptance.undoing import Undoing
from canary_tools.extras import MissingExtra, need

RIGHT, WRONG, CANNOT_START, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    console = Console()
    end_like_ctrl_c()
    try:
        with tempfile.TemporaryDirectory(prefix="canary-acceptance-") as folder, _account(options) as account:
            return _act(options, account, options.logs or Path(folder), console)
    except CannotStart as error:
        console.print(str(error), style="red", highlight=False)
        return CANNOT_START
    except KeyboardInterrupt:
        return INTERRUPTED


def _act(options: argparse.Namespace, account: Account, folder: Path, console: Console) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    stack, tell = Stack(account, folder), _teller(console)
    if options.remove:
        return _remove(account, stack, tell)
    if account.is_local:
        _bootstrap(account, folder, tell)
    check(account, stack, options.instance_type)
    if not _agreed(options, account, console):
        return WRONG
    run = Run(account=account, stack=stack, instance_type=options.instance_type, folder=folder, tell=tell)
    report, interrupted = run.report()
    report.print(console)
    console.print(f"written: {report.write(options.out)}", highlight=False)
    return INTERRUPTED if interrupted else RIGHT if report.right else WRONG


def _remove(account: Account, stack: Stack, tell: Callable[[str], None]) -> int:
    """Remove what earlier runs left that could not end: the stack, and what is named after their endpoints."""
    left: list[str] = []
    with held_off(tell):
        for endpoint_name in endpoints_of_earlier_runs(account, stack):
            removal = Removal(account, stack, endpoint_name)
            left += [*removal.run(Undoing()), *removal.left()]
    for name in left:
        tell(f"could not be removed: {name}")
    return WRONG if left else RIGHT


def _bootstrap(account: Account, folder: Path, tell: Callable[[str], None]) -> None:
    tell("cdk bootstrap")
    try:
        Cdk(account, folder).bootstrap()
    except CdkFailed as error:
        raise CannotStart(str(error)) from error


def _agreed(options: argparse.Namespace, account: Account, console: Console) -> bool:
    """Say what a run takes, and ask."""
    if account.is_local:
        return True
    expected = estimate(options.instance_type)
    console.print(
        f"This deploys a stack to {account.region} in the account of your credentials, sends requests to it, and "
        f"removes it. It takes about {expected.minutes:.0f} minutes and costs at most ${expected.dollars:.2f} "
        f"(list prices of {PRICES_OF}). Keep this machine awake and online.",
        highlight=False,
    )
    return bool(options.yes or Confirm.ask("Begin?", console=console, default=False))


def _account(options: argparse.Namespace) -> AbstractContextManager[Account]:
    if not options.local:
        return nullcontext(live_account(options.region))
    try:
        need("sandbox", "airspeed", "ministack")
    except MissingExtra as missing:
        raise CannotStart(f"--local needs more: {missing}") from missing
    from canary_tools.acceptance.local import local_account  # noqa: PLC0415 - needs the extra `sandbox`

    return local_account()


def _teller(console: Console) -> Callable[[str], None]:
    began = time.monotonic()

    def tell(sentence: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        console.print(f"{minutes:3}:{seconds:02} {sentence}", highlight=False, markup=False)

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m canary_tools.acceptance", description=__doc__)
    parser.add_argument("--local", action="store_true", help="ask the local AWS instead of an account")
    parser.add_argument("--region", help="left out: as the credentials say")
    parser.add_argument("--instance-type", default="ml.m5.large", help="of the endpoint (default: ml.m5.large)")
    parser.add_argument("--out", type=Path, default=Path("docs/acceptance"), help="folder for the JSON")
    parser.add_argument("--logs", type=Path, help="folder for templates and logs of cdk; left out, they are removed")
    parser.add_argument("--yes", action="store_true", help="do not ask before it begins")
    parser.add_argument("--remove", action="store_true", help="only remove what an earlier run left")
    return parser
