"""A command in a terminal of its own, kept as a recording in the format of asciinema.

Source: https://docs.asciinema.org/manual/asciicast/v2/
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 110, 36
MOST_BYTES = 55_000
IDLE_SECONDS = 2
"""A player shows no frame longer than this, and the last one as long as one looks."""
_REDRAW = re.compile(r"\r?\x1b\[2K(?:\x1b\[1A\x1b\[2K)+")
"""What begins each look after the first: the lines of the one before are cleared."""
_CURSOR = re.compile(r"\x1b\[\?25[lh]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CLEAR = "\x1b[H\x1b[2J"


class Frame(NamedTuple):
    """A whole screen. `at`: in seconds since the command began."""

    at: float
    text: str

    @property
    def says(self) -> str:
        """Return the line that says what happens now: the second one, without the time of the first."""
        lines = _COLOUR.sub("", self.text).splitlines()
        return "" if len(lines) < 2 else lines[1]


class Recorded:
    """A command that runs in a terminal, and everything that it writes there."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.began_at = time.monotonic()
        self._written: list[tuple[float, str]] = []
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, env={**environment, "TERM": "xterm-256color", "COLUMNS": f"{WIDTH}", "LINES": f"{HEIGHT}"},
            stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        )  # fmt: skip
        os.close(slave)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        """Read until the command has closed its end."""
        held = b""
        while True:
            try:
                held += os.read(self._master, 65536)
            except OSError:
                return
            text = held.decode(errors="ignore") if held[-1:].isascii() else ""
            if text:
                self._written.append((time.monotonic() - self.began_at, text))
                held = b""

    def note(self, text: str) -> None:
        """Write what happens in another terminal below what is there now."""
        self._written.append((time.monotonic() - self.began_at, "\r\n" + text.replace("\n", "\r\n")))

    def ends(self, patience_seconds: float) -> int:
        """Wait for its end, and return its exit status."""
        status = self._process.wait(patience_seconds)
        self._reading.join(patience_seconds)
        return status

    def frames(self) -> list[Frame]:
        """Return every screen that it showed."""
        whole = "".join(text for _, text in self._written)
        starts = [0, *(found.start() for found in _REDRAW.finditer(whole)), len(whole)]
        return [
            Frame(self._moment(begin), _CURSOR.sub("", _REDRAW.sub("", whole[begin:end], count=1)))
            for begin, end in pairwise(starts)
        ]

    def _moment(self, offset: int) -> float:
        for at, text in self._written:
            if offset < len(text):
                return at
            offset -= len(text)
        return self._written[-1][0]


def cast(frames: Sequence[Frame], *, title: str) -> str:
    """Return a recording; of screens that say the same only as many as it has room for, and the last one always."""
    seconds = 0.0
    while len(text := _cast(list(_apart(frames, seconds)), title)) > MOST_BYTES:
        seconds += 5
    return text


def _apart(frames: Sequence[Frame], seconds: float) -> Iterator[Frame]:
    shown: Frame | None = None
    for number, frame in enumerate(frames, start=1):
        is_news = shown is None or frame.says != shown.says or "\n$ " in frame.text or number == len(frames)
        if is_news or (shown is not None and frame.at - shown.at >= seconds):
            shown = frame
            yield frame


def _cast(frames: Sequence[Frame], title: str) -> str:
    header = {"version": 2, "width": WIDTH, "height": HEIGHT, "idle_time_limit": IDLE_SECONDS, "title": title}
    events = [[round(frame.at, 1), "o", _CLEAR + frame.text] for frame in frames]
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in (header, *events))
