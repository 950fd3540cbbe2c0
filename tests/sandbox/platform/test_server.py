import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest

from canary_tools.sandbox.server import Sandbox


def emulator_files() -> set[Path]:
    found = set(Path(tempfile.gettempdir()).glob("ministack*"))
    return found | set(Path(tempfile.gettempdir()).glob("sandbox-*"))


def test_each_sandbox_starts_empty_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://before")
    for _ in range(2):
        with Sandbox() as sandbox:
            s3 = sandbox.client("s3")
            assert s3.list_buckets()["Buckets"] == []
            s3.create_bucket(Bucket="only-one")
            assert os.environ["AWS_ENDPOINT_URL"] == sandbox.endpoint_url
    assert os.environ["AWS_ENDPOINT_URL"] == "http://before"
    assert list(tmp_path.iterdir()) == []


def test_it_listens_on_loopback_alone() -> None:
    with Sandbox() as sandbox:
        port = int(sandbox.endpoint_url.rpartition(":")[2])
        with pytest.raises(OSError, match="refused"), socket.create_connection((own_address(), port), timeout=2):
            pass


def own_address() -> str:
    """An address of this machine that is not the one that the sandbox binds."""
    return "127.0.0.2"


def test_a_stopped_sandbox_has_no_address() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.endpoint_url
    sandbox.start()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.environment()


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Sandbox(port=taken.getsockname()[1]).start()


def test_the_command_prints_exports_and_stops_on_a_signal() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "canary_tools.sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        exports = read_exports(process.stdout)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert exports["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert exports["AWS_REGION"] == "us-east-1"


def read_exports(output: IO[str]) -> dict[str, str]:
    heading = output.readline()
    assert "the local AWS listens on" in heading
    found = dict[str, str]()
    while "CDK_DISABLE_CLI_TELEMETRY" not in found:
        name, _, value = output.readline().removeprefix("export ").strip().partition("=")
        found[name] = value
    return found
