import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from examples.recommender.demo.cdk_app import APP, ROOT, CdkApp, CdkFailed


class StubCommands:
    """Stands in for ``subprocess.run``: remembers the commands, prints a line and writes the outputs."""

    def __init__(self, exit_status: int = 0) -> None:
        self.exit_status = exit_status
        self.commands: list[list[str]] = []
        self.options: dict[str, Any] = {}

    def __call__(self, command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        self.options = options
        options["stdout"].write("the stack says no\n")
        for argument in command:
            if argument.startswith("--outputs-file="):
                outputs = {"Recommender": {"EndpointName": "recommender", "LedgerName": "Ledger"}}
                Path(argument.partition("=")[2]).write_text(json.dumps(outputs))
        return subprocess.CompletedProcess(command, self.exit_status)


def app_with(commands: StubCommands, folder: Path, monkeypatch: pytest.MonkeyPatch) -> CdkApp:
    monkeypatch.setattr(subprocess, "run", commands)
    monkeypatch.setattr(shutil, "which", lambda _name, **_options: "cdk")
    return CdkApp(environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, folder=folder, context={"metric_period": 10})


def test_a_deploy_passes_version_and_context_and_returns_the_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = StubCommands()
    outputs = app_with(commands, tmp_path, monkeypatch).deploy("v2")
    assert outputs == {"EndpointName": "recommender", "LedgerName": "Ledger"}
    assert {"deploy", f"--app={APP}", "--context=version=v2", "--context=metric_period=10"} <= set(commands.commands[0])
    assert "--require-approval=never" in commands.commands[0]


def test_a_command_runs_at_the_root_with_the_sandbox_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = StubCommands()
    app_with(commands, tmp_path, monkeypatch).deploy("v2")
    assert commands.options["cwd"] == ROOT
    assert commands.options["env"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert commands.options["env"]["PATH"].startswith(str(ROOT / "node_modules" / ".bin"))


def test_a_failed_command_says_what_it_printed_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with(StubCommands(exit_status=1), tmp_path, monkeypatch)
    with pytest.raises(CdkFailed, match="cdk bootstrap ended with exit status 1:\nthe stack says no"):
        app.bootstrap("000000000000", "us-east-1")
