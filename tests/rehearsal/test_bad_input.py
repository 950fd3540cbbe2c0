"""Every input that cannot be rehearsed is refused with a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.faults import check_calls
from canary_tools.rehearsal.reading import RehearsalError
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint

TRAFFIC = {"traffic": {"rps": 10}}


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ([], "the scenario must be an object, got []"),
        ({}, "the scenario needs traffic"),
        ({**TRAFFIC, "trafic": 1}, "the scenario has unknown keys: trafic; known are"),
        ({"traffic": {"rps": 1, "peak": 2}}, "the scenario: traffic has unknown keys: peak"),
        ({"traffic": {"rps": -1}}, "rps must be at least 0, got -1"),
        ({"traffic": {"rps": "many"}}, "rps must be a number, got 'many'"),
        ({"traffic": {"rps": 1, "burst": 0.5}}, "burst must be at least 1, got 0.5"),
        ({**TRAFFIC, "canary": {"error_rate": 1.5}}, "error_rate must be at least 0 and at most 1, got 1.5"),
        ({**TRAFFIC, "canary": {"latency_ms": {"p50": 90, "p99": 10}}}, "p99 must be at least p50"),
        (
            {**TRAFFIC, "changes": [{"at_s": 9, "who": "canary", "set": {"latency_ms": {"p50": 500}}}]},
            "the latency of canary contradicts itself from second 9 on",
        ),
        ({**TRAFFIC, "changes": [{"at_s": 9, "who": "users", "set": {}}]}, "who must be one of canary, stable, both"),
        ({**TRAFFIC, "changes": [{"at_s": 9, "who": "both", "set": {}}]}, "must change something"),
        ({**TRAFFIC, "metrics": {"missing": [{"from_s": 5, "to_s": 5}]}}, "to_s must be after from_s"),
        ({**TRAFFIC, "controls": [{"at_s": 5, "do": "panic"}]}, "do must be one of abort, stop-execution"),
        ({**TRAFFIC, "controls": [{"at_s": 5, "do": "set-weights"}]}, "needs weights"),
        ({**TRAFFIC, "seed": 1.5}, "seed must be a whole number, got 1.5"),
    ],
)
def test_a_scenario_is_refused_with_a_sentence(scenario: Any, sentence: str) -> None:
    with pytest.raises(RehearsalError) as refused:
        parse_scenario(scenario)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("sagemaker:Explode", "sagemaker has no operation Explode"),
        ("ec2:RunInstances", "call must begin with one of sagemaker, application-autoscaling"),
    ],
)
def test_a_fault_of_an_unknown_call_is_refused(call: str, sentence: str) -> None:
    fault = {"at_s": 0, "for_s": 1, "call": call, "error": "crash"}
    with pytest.raises(RehearsalError, match=sentence):
        check_calls(parse_scenario({**TRAFFIC, "faults": [fault]}).faults)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("{}", "is not a synthesised template: it has no Resources"),
        (json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}), "has no CanaryEndpoint in it"),
    ],
)
def test_a_template_without_a_rollout_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "Shop.template.json"
    path.write_text(content)
    with pytest.raises(RehearsalError, match=sentence):
        find_endpoint(path, None)


def test_an_unknown_endpoint_is_refused_with_those_there_are(template: Path) -> None:
    with pytest.raises(RehearsalError, match="has no CanaryEndpoint named shop; it has recommender-"):
        find_endpoint(template, "shop")


def test_the_command_says_the_sentence_and_returns_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.json")
    assert main(["--template", missing, "--scenario", missing]) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err
