"""The app of the demonstration: what its switches declare. Without any of them it is the app of the root."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import RecommenderStack
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from examples.recommender.demo import demonstration
from examples.recommender.demo.app import Switches, declare


def synthesised(folder: Path, **context: Any) -> Path:
    model = folder / "v1" / "model.tar.gz"
    model.parent.mkdir()
    model.write_bytes(gzip.compress(b"v1"))
    app = App(outdir=str(folder / "out"), context={"models": str(folder), **context})
    declare(app)
    app.synth()
    return folder / "out" / "Recommender.template.json"


def declared(folder: Path, **context: Any) -> DeclaredEndpoint:
    return find_endpoint(synthesised(folder, **context), None)


def test_without_a_switch_it_is_the_app_of_the_root(tmp_path: Path) -> None:
    varied = synthesised(tmp_path)
    app = App(outdir=str(tmp_path / "root"))
    RecommenderStack(app, "Recommender", models=tmp_path)
    app.synth()
    assert varied.read_bytes() == (tmp_path / "root" / varied.name).read_bytes()


def test_the_demo_s_app_has_a_front_door_and_reads_what_the_shop_publishes(tmp_path: Path) -> None:
    settings = demonstration.Settings(
        releases=[], requests_per_second=30, bake_seconds=50, direct=False, build=tmp_path, out=tmp_path
    )
    context = {name: str(value) for name, value in demonstration._context(settings).items() if name != "models"}
    gates = declared(tmp_path, **context).plan.gates.to_json()
    template = json.loads((tmp_path / "out" / "Recommender.template.json").read_text())
    assert {"EndpointName", "LedgerName", "ApiId", "ApiStage"} <= set(template["Outputs"])
    assert [gate["name"] for gate in gates["judge"]["gates"]] == ["errors", "refused", "latency", "conversion"]
    assert gates["sources"]["conversion"] == {
        "source": "pair",
        "namespace": "Shop",
        "total": "Shown",
        "counted": "Converted",
        "dimensions": {},
        "delay_seconds": 0,
    }


@pytest.mark.parametrize("unset", [{}, {"conversion_namespace": "", "front_door": "no"}])
def test_a_shop_without_either_has_neither(tmp_path: Path, unset: dict[str, str]) -> None:
    assert "conversion" not in json.dumps(declared(tmp_path, **unset).plan.gates.to_json())
    assert "AWS::ApiGateway::RestApi" not in (tmp_path / "out" / "Recommender.template.json").read_text()


def test_a_share_of_the_users_meets_a_release_first_where_one_is_given(tmp_path: Path) -> None:
    first, *later = declared(tmp_path, cohort_percent="5", steps="50,100").plan.steps
    assert first.cohort is not None
    assert (first.percent, first.cohort.buckets) == (0, 500)
    assert [step.percent for step in later] == [50, 100]


def test_every_switch_is_read_from_what_the_command_line_gives() -> None:
    given = {
        "version": "v2",
        "models": "elsewhere",
        "steps": "10,50,100",
        "harm_budget": "250",
        "bake_seconds": "600",
        "cohort_percent": "2.5",
        "users": "200000",
        "slow_ms": "180.5",
        "warm_up_seconds": "0",
        "conversion_namespace": "Shop",
        "conversion_delay_seconds": "0",
        "max_instances": "12",
        "metric_period": "10",
        "front_door": "yes",
    }
    assert set(given) == set(vars(Switches()))
    assert Switches.parse(given) == Switches(
        version="v2",
        models=Path("elsewhere"),
        steps=(10, 50, 100),
        harm_budget=250,
        bake_seconds=600,
        cohort_percent=2.5,
        users=200_000,
        slow_ms=180.5,
        warm_up_seconds=0,
        conversion_namespace="Shop",
        conversion_delay_seconds=0,
        max_instances=12,
        metric_period=10,
        front_door=True,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bake_second": "60"}, "no switch is called bake_second; there are version, models, steps"),
        ({"bake_seconds": "1m"}, "bake_seconds must be a whole number, got 1m"),
        ({"slow_ms": "fast"}, "slow_ms must be a number, got fast"),
        ({"steps": "10;50"}, "steps must be whole numbers with commas between them, got 10;50"),
        ({"front_door": "on"}, "front_door must be yes or no, got on"),
    ],
)
def test_a_switch_that_cannot_be_read_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Switches.parse(given)


def test_what_the_cdk_itself_puts_into_the_context_is_no_switch() -> None:
    flag, setting = "@aws-cdk/aws-iam:minimizePolicies", "aws:cdk:enable-path-metadata"
    names = (flag, setting, "availability-zones:account=1:region=eu-west-1", "acknowledged-issue-numbers")
    assert Switches.parse(dict.fromkeys(names, True)) == Switches()
