"""The root app compares conversions where the shop counts them, and has a front door where one is asked for."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import RecommenderStack
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from examples.recommender.demo import demonstration


def declared(folder: Path, **context: Any) -> DeclaredEndpoint:
    model = folder / "v1" / "model.tar.gz"
    model.parent.mkdir()
    model.write_bytes(gzip.compress(b"v1"))
    app = App(outdir=str(folder / "out"), context={"models": str(folder), **context})
    RecommenderStack(app, "Recommender")
    app.synth()
    return find_endpoint(folder / "out" / "Recommender.template.json", None)


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
