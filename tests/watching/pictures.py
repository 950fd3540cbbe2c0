"""Take the pictures of docs/dashboard.md: `python -m tests.watching.pictures`, or `… promoted` for one state."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from tests.lambdas.fakes.settings import A, B
from tests.watching.browser import measured, photographed
from tests.watching.looks import Dashboard, dashboard

PICTURES = Path(__file__).parents[2] / "docs/pictures"
WIDTHS = (400, 1200)
THEMES = ("light", "dark")


def _running(board: Dashboard) -> None:
    board.promoted("v2")
    board.rolled_back("v3")
    board.shop.failure_rates |= {A: 0.04, B: 0.02}
    board.running("v4")


def _held(board: Dashboard) -> None:
    board.rolled_back("v2")
    board.held("v3")


def _rolled_back(board: Dashboard) -> None:
    board.promoted("v2")
    board.rolled_back("v3")


def _promoted(board: Dashboard) -> None:
    board.rolled_back("v2")
    board.promoted("v3")


STATES: dict[str, Callable[[Dashboard], None]] = {
    "running": _running, "held": _held, "rolled-back": _rolled_back, "promoted": _promoted,
}  # fmt: skip


def main(states: Sequence[str]) -> None:
    """Take those of these states."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for state in states:
            with dashboard() as board:
                STATES[state](board)
                for theme in THEMES:
                    shown = board.show(theme)
                    for width in WIDTHS:
                        height = measured(shown, width=width, folder=folder)["height"]
                        picture = PICTURES / f"widget-{state}-{theme}-{width}.png"
                        photographed(shown, picture, width=width, height=height, folder=folder)
                        Image.open(picture).convert("RGB").quantize(160, dither=Image.Dither.NONE).save(
                            picture, optimize=True
                        )
                        print(picture.name, picture.stat().st_size)  # noqa: T201 - says what was taken


if __name__ == "__main__":
    main(sys.argv[1:] or list(STATES))
