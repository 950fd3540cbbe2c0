"""The oldest CDK that the wheel declares declares the same stack as the pinned one."""

import json
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.packaging import wheels
from tests.packaging.templates import own
from tests.packaging.wheels import ROOT, Environment, lowest

pytestmark = pytest.mark.xdist_group("packaging")

APP = """
from aws_cdk import App, Duration, Stack
from aws_cdk.aws_scheduler import ScheduleExpression
from canary_construct import (
    CanaryEndpoint, EndpointApi, Gate, InstanceScaling, ModelRelease, RolloutWindow, SmokeTest
)

WORKING_HOURS = ScheduleExpression.cron(minute="0", hour="9", week_day="MON-FRI")
app = App()
shop = Stack(app, "Shop")
endpoint = CanaryEndpoint(
    shop,
    "Recommender",
    release=ModelRelease(version="v1", image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1", model_data_url="s3://models/v1.tar.gz"),
    instance_type="ml.m5.xlarge",
    scaling=InstanceScaling(min_instances=2, max_instances=8, invocations_per_instance=3000),
    rollout_windows=[RolloutWindow(schedule=WORKING_HOURS, duration=Duration.hours(7))],
    gates=[Gate.error_rate(), Gate.latency(slow_ms=250)],
    smoke_test=SmokeTest(payloads=["{}"]),
)
EndpointApi(shop, "FrontDoor", endpoint=endpoint)
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def oldest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the app declares with the oldest CDK."""
    environment = Environment(tmp_path_factory.mktemp("oldest"))
    environment.fetch(str(wheel), *lowest())
    return declared(environment, tmp_path_factory.mktemp("with-oldest"))


@pytest.fixture(scope="module")
def pinned(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the app declares with the CDK of this checkout."""
    environment = Environment(tmp_path_factory.mktemp("pinned"))
    environment.install("--no-deps", str(wheel))
    (environment.site_packages / "pinned.pth").write_text(sysconfig.get_path("purelib"))
    return declared(environment, tmp_path_factory.mktemp("with-pinned"))


def declared(environment: Environment, folder: Path) -> dict[str, Any]:
    (folder / "app.py").write_text(APP)
    environment.run("app.py", folder=folder, CDK_OUTDIR="out", JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION="1")
    found: dict[str, Any] = json.loads((folder / "out" / "Shop.template.json").read_text())["Resources"]
    return found


def test_the_oldest_cdk_declares_the_same_stack(oldest: dict[str, Any], pinned: dict[str, Any]) -> None:
    assert own(oldest) == own(pinned)


def test_the_cdk_nag_of_an_old_cdk_reads_the_reasons_of_wildcards(oldest: dict[str, Any]) -> None:
    noted = [
        suppressed
        for resource in oldest.values()
        for suppressed in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    ]
    assert {"AwsSolutions-IAM5", "AwsSolutions-APIG3"} <= {suppressed["id"] for suppressed in noted}
    assert all(suppressed["reason"] for suppressed in noted)
