"""A look as a page in a file, for a browser on a wall."""

from pathlib import Path

from rollout.watching.page import document
from rollout.watching.view import StatusView

from canary_tools.cli.refusals import CannotAct


def write_page(view: StatusView, path: Path) -> None:
    """Put a look in the place of the one before, whole: a browser never reads half of it.

    Raises:
        CannotAct: when the file cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(document(view), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise CannotAct(f"--html {path} cannot be written: {error.strerror}") from error
