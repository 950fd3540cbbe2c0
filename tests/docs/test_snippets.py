"""What a reader copies works: Python runs, JSON is JSON, and commands name programs, words and options that exist."""

import ast
import json
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import canary_construct_client
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

import canary_construct
from canary_construct import EndpointApi
from docs.cost_sheet import ALARM_METRICS
from tests.docs.commands import commands, complaints
from tests.docs.pages import PAGES, blocks, indented_commands, name_of, text_of
from tests.infrastructure.synthesis import declare

PYTHON = [page for page in PAGES if blocks(text_of(page), "python")]
ELSEWHERE = {"docs/adopt.md", "docs/hosting.md", "docs/first-release.md"}
"""Pages whose snippets `test_documents.py` and `test_first_release.py` run and synthesise."""
JSON = [page for page in PAGES if blocks(text_of(page), "json")]
SHELL = ("sh", "bash", "console")
COMMANDS = [page for page in PAGES if blocks(text_of(page), *SHELL) or indented_commands(text_of(page))]
SYNTHESISED = {"README.md": "Shop"}
"""Pages whose application ends with `app.synth()`, and its stack."""


def public(module: str) -> set[str] | None:
    """Return the public names of a module of ours; `None` for any other."""
    known = {"canary_construct": canary_construct, "canary_construct_client": canary_construct_client}
    return set(known[module].__all__) if module in known else None


@cache
def surroundings() -> dict[str, Any]:
    """Return what a fragment takes for granted: an endpoint, and what an app has beside it."""
    shop = Stack(App(), "Shop")
    role = iam.Role(shop, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    return {
        "self": shop,
        "endpoint": declare(shop),
        "team_role": role,
        "on_call_role": role,
        "topic": sns.Topic(shop, "Topic"),
        "queue": sqs.Queue(shop, "Queue"),
        "vpc": ec2.Vpc(shop, "Vpc"),
        "ec2": ec2,
        "apigateway": apigateway,
        "EndpointApi": EndpointApi,
    }


@pytest.mark.parametrize("page", PYTHON, ids=name_of)
def test_every_snippet_imports_public_names(page: Path) -> None:
    for snippet in blocks(text_of(page), "python"):
        for node in ast.walk(ast.parse(snippet)):
            if isinstance(node, ast.ImportFrom) and (names := public(node.module or "")):
                assert {alias.name for alias in node.names} <= names


@pytest.mark.parametrize("page", [page for page in PYTHON if name_of(page) not in ELSEWHERE], ids=name_of)
def test_every_snippet_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: None)
    scope: dict[str, Any] = {}
    for snippet in blocks(text_of(page), "python"):
        if any(isinstance(node, ast.Name) and node.id == "endpoint" for node in ast.walk(ast.parse(snippet))):
            scope |= surroundings()
        exec(compile(snippet, name_of(page), "exec"), scope)  # noqa: S102 - the point of the test
    if stack := SYNTHESISED.get(name_of(page)):
        template = scope["app"].synth().get_stack_by_name(stack).template
        types = {resource["Type"] for resource in template["Resources"].values()}
        assert {"AWS::SageMaker::Endpoint", "AWS::StepFunctions::StateMachine"} <= types
        alarms = [each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
        metrics = [metric for alarm in alarms for metric in alarm["Properties"]["Metrics"] if "MetricStat" in metric]
        assert len(metrics) == ALARM_METRICS


@pytest.mark.parametrize("page", JSON, ids=name_of)
def test_every_json_block_is_json(page: Path) -> None:
    for block in blocks(text_of(page), "json"):
        json.loads(block)


@pytest.mark.parametrize("page", COMMANDS, ids=name_of)
def test_every_command_can_be_typed(page: Path) -> None:
    files = set(re.findall(r"`([\w./-]+\.py)`", text_of(page)))
    for block in [*blocks(text_of(page), *SHELL), *indented_commands(text_of(page))]:
        script = re.sub(r"^\$ ", "", block, flags=re.MULTILINE)
        assert subprocess.run(["/bin/bash", "-n"], input=script, text=True, check=False).returncode == 0, script
        assert [wrong for command in commands(script) for wrong in complaints(command, files=files)] == []


@pytest.mark.parametrize(
    "command",
    [
        "canary stats",
        "canary wait 2 --til-the-end",
        "python -m canary_tools.rehersal",
        "python -m canary_tools.rehearsal --templat x",
        "make dmo",
        "cdk depoly",
        "pip install 'canary-construct[client]'",
        "kubectl get pods",
    ],
)
def test_a_command_with_a_word_that_does_not_exist_is_found(command: str) -> None:
    assert list(complaints(shlex.split(command)))
