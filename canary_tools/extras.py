"""The extras of the distribution: what a tool needs beside the library, and a sentence when it is not installed."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence

MODULES: Mapping[str, Sequence[str]] = {
    "acceptance": ("boto3", "rich"),
    "cli": ("boto3", "rich", "typer"),
    "rehearsal": ("boto3", "matplotlib", "ministack", "numpy"),
    "sandbox": ("airspeed", "boto3", "cryptography", "ministack"),
}
"""What is imported of each extra."""
MISSING = 2
"""The status with which a command ends."""


class MissingExtra(ImportError):
    """An extra is not installed; the message names it."""


def need(extra: str, *modules: str) -> None:
    """Check that these modules of an extra can be imported, or all of them when none is named.

    Raises:
        MissingExtra: when one of them cannot.
    """
    missing = [name for name in modules or MODULES[extra] if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(f"{' and '.join(missing)} not installed: pip install 'canary-construct[{extra}]'")


def run(extra: str, command: str) -> int:
    """Run the `main` of a module that needs an extra; without the extra, say so and return 2."""
    try:
        need(extra)
    except MissingExtra as missing:
        print(missing, file=sys.stderr)  # noqa: T201 - the command's output
        return MISSING
    status: int = importlib.import_module(command).main()
    return status
