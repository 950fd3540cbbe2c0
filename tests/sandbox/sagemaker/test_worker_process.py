"""One worker process, without a sandbox around it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from canary_tools.sandbox.sagemaker.archives import ArchiveError, Archives
from canary_tools.sandbox.sagemaker.worker_process import (
    BROKEN,
    ModelReply,
    ModelRequest,
    StartFailed,
    WorkerProcess,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

Wait = Callable[[Callable[[], bool]], None]

ECHO = """
import json, os
def model_fn(model_dir):
    return {"pid": os.getpid(), "files": sorted(os.listdir(model_dir)), "secret": os.environ.get("SECRET")}
def input_fn(body, content_type):
    return content_type, body.decode()
def predict_fn(data, model):
    return {**model, "data": data}
def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""


def folder(tmp_path: Path, code: str) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(code)
    return tmp_path


def worker(model_folder: Path, **environment: str) -> WorkerProcess:
    return WorkerProcess(model_folder, environment=environment, queue_size=1, timeout_seconds=10)


def ask(process: WorkerProcess, body: bytes = b"x") -> "Future[ModelReply]":
    return process.submit(ModelRequest(body=body, content_type="text/csv", accept="text/special"))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_four_functions_see_the_request_and_the_containers_environment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of the host")
    process = worker(folder(tmp_path, ECHO))
    process.start()
    reply = ask(process).result(10)
    process.kill()
    answered = json.loads(reply.body)
    assert (reply.status, reply.content_type) == (200, "text/special")
    assert answered["data"] == ["text/csv", "x"]
    assert answered["secret"] is None
    assert "code" in answered["files"]


def test_retirement_answers_what_was_accepted_and_ends_the_process(tmp_path: Path, eventually: Wait) -> None:
    process = worker(folder(tmp_path, ECHO))
    process.start()
    replies = [ask(process), ask(process)]
    process.retire()
    pids = {json.loads(reply.result(10).body)["pid"] for reply in replies}
    [pid] = pids
    eventually(lambda: gone(pid))


def test_a_kill_answers_what_waits_as_a_broken_connection(tmp_path: Path) -> None:
    process = worker(
        folder(tmp_path, "import time\ndef predict_fn(data, model): time.sleep(60)\ndef input_fn(b, c): 0")
    )
    process.start()
    running, waiting = ask(process), ask(process)
    process.kill()
    assert running.result(10) == waiting.result(10) == BROKEN


def test_code_that_does_not_load_says_why(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="ModuleNotFoundError: No module named 'no_such_module'"):
        worker(folder(tmp_path, "import no_such_module")).start()


def test_a_worker_does_not_outlive_a_killed_parent(tmp_path: Path, eventually: Wait) -> None:
    program = f"""
import os, json
from pathlib import Path
from canary_tools.sandbox.sagemaker.worker_process import ModelRequest, WorkerProcess
process = WorkerProcess(Path({str(folder(tmp_path, ECHO))!r}), environment={{}}, queue_size=1, timeout_seconds=10)
process.start()
reply = process.submit(ModelRequest(body=b"", content_type="", accept="a")).result()
print(json.loads(reply.body)["pid"], flush=True)
os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", program]
    parent = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - ours
    eventually(lambda: gone(int(parent.stdout)))


def test_an_archive_is_unpacked_once_for_the_same_bytes(tmp_path: Path, archive: bytes) -> None:
    archives = Archives(tmp_path, {"s3://m/one": archive, "s3://m/two": archive}.get)
    assert archives.unpack("s3://m/one") == archives.unpack("s3://m/two")
    assert (archives.unpack("s3://m/one") / "code" / "inference.py").is_file()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b broken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveError, match='Failed to extract model data archive from URL: "s3://m/x"'):
        Archives(tmp_path, lambda _url: content).unpack("s3://m/x")
