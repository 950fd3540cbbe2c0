"""Headless Chromium, where there is one."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
SECONDS = 120
MEASURE = """
<script>
addEventListener("load", () => {
  const frame = document.querySelector(".canary"), seen = getComputedStyle(frame);
  const clipped = [...frame.querySelectorAll("*")].filter(one => one.getBoundingClientRect().right > innerWidth + 1);
  const found = {
    clipped: clipped.map(one => one.className || one.tagName),
    ink: seen.color, card: seen.backgroundColor, height: Math.ceil(frame.getBoundingClientRect().height),
    scripts: window.ran === undefined ? 0 : 1, text: frame.innerText,
    columns: getComputedStyle(frame.querySelector(".two")).gridTemplateColumns.split(" ").length,
  };
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>
"""


def page_around(fragment: str, *, width: int, script: str = "") -> str:
    """Return a page with a widget of this width, as a dashboard has it."""
    return (
        "<!doctype html><html><head><meta charset=utf-8><style>body{margin:0}</style></head>"
        f'<body><div style="width:{width}px">{fragment}</div>{script}</body></html>'
    )


def measured(fragment: str, *, width: int, folder: Path) -> dict[str, Any]:
    """Return what a browser made of a widget. Chromium opens no window narrower than 500 pixels."""
    page = folder / "page.html"
    page.write_text(page_around(fragment, width=width, script=MEASURE.replace("innerWidth", str(width))), "utf-8")
    dumped = _run(folder, "--dump-dom", f"--window-size={max(width, 500)},900", page.as_uri())
    (text,) = re.findall(r'<pre id="found">(.*?)</pre>', dumped, re.DOTALL)
    found: dict[str, Any] = json.loads(unescape(text))
    return found


def photographed(fragment: str, picture: Path, *, width: int, height: int, folder: Path) -> None:
    """Take a picture of a widget."""
    page = folder / "page.html"
    page.write_text(page_around(fragment, width=width), encoding="utf-8")
    _run(folder, f"--screenshot={picture}", f"--window-size={width},{height}", page.as_uri())


def _run(folder: Path, *words: str) -> str:
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout  # noqa: S603
