"""The widget in a real browser: nothing runs, nothing is cut off, and it can be read in both themes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rollout.watching.orders import buttons
from rollout.watching.page import fragment

from tests.lambdas.fakes.settings import STATE_MACHINE
from tests.watching.browser import CHROMIUM, measured
from tests.watching.looks import ORDERS, Dashboard, dashboard
from tests.watching.test_widget import HOSTILE, view

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
LEAST_CONTRAST = 4.5
"""Source: https://www.w3.org/TR/WCAG21/#contrast-minimum"""


@pytest.fixture(scope="module")
def board() -> Iterator[Dashboard]:
    with dashboard() as found:
        found.rolled_back("v2")
        found.held("v3")
        yield found


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "columns"), [(400, 1), (1200, 2)])
def test_it_fits_its_width_and_can_be_read(
    board: Dashboard, tmp_path: Path, theme: str, width: int, columns: int
) -> None:
    seen = measured(board.show(theme), width=width, folder=tmp_path)
    assert seen["clipped"] == []
    assert seen["columns"] == columns
    light, dark = sorted((luminance(seen["ink"]), luminance(seen["card"])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= LEAST_CONTRAST
    assert (luminance(seen["card"]) > luminance(seen["ink"])) is (theme == "light")
    assert "v3 waits for approval of step 2" in seen["text"]
    assert "cwdb" not in seen["text"]
    assert '"order"' not in seen["text"]


def test_nothing_hostile_runs(tmp_path: Path) -> None:
    look = view(" ".join(HOSTILE))
    seen = measured(
        fragment(look, theme="light", orders=buttons(look, ORDERS, STATE_MACHINE)), width=400, folder=tmp_path
    )
    assert seen["scripts"] == 0
    assert HOSTILE[0] in seen["text"]
    assert seen["clipped"] == []
