"""The command against the local AWS: the whole walk, and nothing left behind, also after Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canary_tools.acceptance.account import Account
from canary_tools.acceptance.cdk import Cdk
from canary_tools.acceptance.local import local_account
from canary_tools.acceptance.questions import Verdict
from canary_tools.acceptance.run import Run
from canary_tools.acceptance.stack import Stack

INSTANCE_TYPE = "ml.m5.large"
LISTINGS = (
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ("sagemaker", "list_models", "Models", "ModelName"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
)


def everything(account: Account) -> set[str]:
    """List the account: every name of every kind that the library makes, and every file."""
    found = {f"{service} {name}" for service, *rest in LISTINGS for name in named(account, service, *rest)}
    s3 = account.make_client("s3")
    files = {
        f"{bucket['Name']}/{file['Key']}"
        for bucket in s3.list_buckets()["Buckets"]
        for file in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ())
    }
    targets = account.make_client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    return found | files | {target["ResourceId"] for target in targets["ScalableTargets"]}


def named(account: Account, service: str, operation: str, rows: str, name: str) -> Iterator[str]:
    client: Any = account.make_client(service)
    pages = (
        client.get_paginator(operation).paginate() if client.can_paginate(operation) else [getattr(client, operation)()]
    )
    for page in pages:
        yield from (row[name] if name else row for row in page[rows])


@pytest.mark.xdist_group("acceptance")
def test_the_whole_walk_goes_as_expected_and_leaves_nothing(tmp_path: Path) -> None:
    with local_account() as account:
        Cdk(account, tmp_path).bootstrap()
        before = everything(account)
        stack, said = Stack(account, tmp_path), list[str]()
        run = Run(account=account, stack=stack, instance_type=INSTANCE_TYPE, folder=tmp_path, tell=said.append)
        report, interrupted = run.report()
        after = everything(account)

    assert [(seen.act.name, seen.sentence) for seen in report.walk if not seen.right] == []
    otherwise = [answer for answer in report.answers if answer.verdict is Verdict.OTHERWISE]
    assert [(answer.assumption.key, answer.sentence) for answer in otherwise] == []
    assert report.left == []
    assert not interrupted
    assert after == before
    assert said[-1] == "removing everything"


@pytest.mark.xdist_group("interrupted")
def test_ctrl_c_ends_the_walk_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "canary_tools.acceptance", "--local", f"--out={tmp_path}"]
    environment = {**os.environ, "COLUMNS": "300"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        seen = until(process.stdout, "rollout starts: ")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, seen + rest

    (written,) = tmp_path.glob("*-local-*.json")
    report = json.loads(written.read_text(encoding="utf-8"))
    assert [row["right"] for row in report["walk"]] == [True, True, *[None] * (len(report["walk"]) - 2)]
    assert report["left"] == []


def until(lines: Any, text: str) -> str:
    seen = ""
    for line in lines:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} was never said: {seen}")
