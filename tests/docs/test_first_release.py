"""The page *first release in ten minutes* can be followed by a script, and `docs/first_release.py` reads it right."""

import json
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from docs.first_release import PAGE, Reader, StepFailed
from docs.page_steps import Change, Run, Step, Write, steps
from tests.docs.commands import complaints
from tests.docs.pages import text_of

FOLLOWED = list(steps(text_of(PAGE)))
FILES = {step.path for step in FOLLOWED if isinstance(step, Write)}


def said(step: Step) -> str:
    return step.command if isinstance(step, Run) else f"{type(step).__name__} {step.path}"


def test_the_page_goes_from_an_empty_folder_to_a_promoted_release_and_back() -> None:
    assert [said(step) for step in FOLLOWED] == [
        "python -m venv .venv",
        ".venv/bin/pip install 'canary-construct[cli,sandbox]'",
        "npm install --global aws-cdk",
        ".venv/bin/python -m canary_tools.sandbox",
        "Write model/code/inference.py",
        "Write app.py",
        "Write cdk.json",
        "cdk synth --quiet",
        "cdk bootstrap",
        "cdk deploy Shop",
        "Write send.py",
        ".venv/bin/python send.py",
        "Change model/code/inference.py",
        "Change app.py",
        "cdk diff Shop",
        "cdk deploy Shop",
        ".venv/bin/canary status",
        ".venv/bin/canary wait 2",
        "cdk destroy Shop",
    ]


def test_what_runs_until_it_is_interrupted_has_a_terminal_of_its_own() -> None:
    own = [step.command for step in FOLLOWED if isinstance(step, Run) and step.until_interrupted]
    assert own == [".venv/bin/python -m canary_tools.sandbox", ".venv/bin/python send.py"]


def test_every_command_of_the_page_is_known() -> None:
    commands = [shlex.split(step.command) for step in FOLLOWED if isinstance(step, Run)]
    assert [wrong for command in commands for wrong in complaints(command, files=FILES)] == []


def test_the_files_of_the_page_are_an_app_before_and_after_its_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Reader(tmp_path, {}) as reader:
        releases = []
        for step in FOLLOWED:
            if not isinstance(step, Run):
                reader.do(step)
            elif step.command == "cdk deploy Shop":
                releases.append(_models(tmp_path / "app.py"))
    first, second = releases
    assert first != second
    assert json.loads((tmp_path / "cdk.json").read_text()) == {"app": ".venv/bin/python app.py"}


def _models(app: Path) -> list[Any]:
    """Return what the app declares of its models; no message is left for people who synthesise it."""
    scope: dict[str, Any] = {}
    exec(compile(app.read_text(), app.name, "exec"), scope)  # noqa: S102 - the point of the test
    assert isinstance(scope["app"], App)
    stack = scope["app"].synth().get_stack_by_name("Shop")
    assert [message.entry.data for message in stack.messages] == []
    resources = stack.template["Resources"].values()
    return [one["Properties"] for one in resources if one["Type"] == "AWS::SageMaker::Model"]


def test_a_block_that_is_no_file_and_no_command_is_refused() -> None:
    with pytest.raises(ValueError, match="neither commands nor a file"):
        list(steps("Look at this:\n\n```python\nprint()\n```\n"))


def test_words_that_are_not_there_once_cannot_be_changed(tmp_path: Path) -> None:
    with Reader(tmp_path, {}) as reader:
        reader.do(Write(path="a/app.py", content="one = 1\n"))
        with pytest.raises(StepFailed, match=r"a/app\.py has '2' 0 times"):
            reader.do(Change(path="a/app.py", old="2", new="3"))


def test_a_command_is_answered_and_its_failure_is_told(tmp_path: Path) -> None:
    variables = {"PATH": "/usr/bin:/bin"}
    with Reader(tmp_path, variables) as reader:
        assert "got y" in reader.do(Run(command="read -p 'Sure (y/n)? ' answer; echo got $answer"))
        with pytest.raises(StepFailed, match=r"exit status 3:\nno such thing"):
            reader.do(Run(command="echo no such thing; exit 3"))


def test_what_a_program_exports_in_its_own_terminal_holds_in_the_others(tmp_path: Path) -> None:
    began = time.monotonic()
    with Reader(tmp_path, {"PATH": "/usr/bin:/bin"}) as reader:
        reader.do(Run(command="echo \"export PLACE='here and there'\"; exec sleep 600", until_interrupted=True))
        assert "here and there" in reader.do(Run(command='echo "$PLACE"'))
        with pytest.raises(StepFailed, match="ended at once"):
            reader.do(Run(command="exit 1", until_interrupted=True))
    assert time.monotonic() - began < 300, "Ctrl-C did not end it"
