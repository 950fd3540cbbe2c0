"""Every input that cannot be rehearsed is refused with a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.calls import OF_TASK
from canary_construct.handlers.functions import ON_DASHBOARD
from canary_construct.permissions.by_handler import FIND_STREAM, READ_STREAM
from canary_tools.rehearsal import command
from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.scenario import parse_scenario, read_scenario
from canary_tools.rehearsal.services.botocore_requests import SERVICES
from canary_tools.rehearsal.services.faults import CALLS, INVOKE, check_calls
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

TRAFFIC = {"traffic": {"rps": 10}}


def setting_weights(weights: Any) -> Any:
    return {**TRAFFIC, "controls": [{"at_s": 5, "do": "set-weights", "weights": weights}]}


def failing(error: str, call: str = "sagemaker:DescribeEndpoint") -> Any:
    return {**TRAFFIC, "faults": [{"at_s": 0, "for_s": 1, "call": call, "error": error}]}


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ([], "the scenario must be an object, got []"),
        ({}, "the scenario needs traffic"),
        ({**TRAFFIC, "trafic": 1}, "the scenario has unknown keys: trafic; known are"),
        ({"traffic": {"rps": 1, "peak": 2}}, "the scenario: traffic has unknown keys: peak"),
        ({"traffic": {"rps": -1}}, "rps must be at least 0 and at most 1e+06, got -1"),
        ({"traffic": {"rps": "many"}}, "rps must be a number, got 'many'"),
        ({"traffic": {"rps": 1, "burst": 0.5}}, "burst must be at least 1 and at most 1e+06, got 0.5"),
        ({**TRAFFIC, "canary": {"error_rate": 1.5}}, "error_rate must be at least 0 and at most 1, got 1.5"),
        ({**TRAFFIC, "canary": {"refused_rate": 1.5}}, "refused_rate must be at least 0 and at most 1, got 1.5"),
        (
            {**TRAFFIC, "canary": {"error_rate": 0.7, "refused_rate": 0.4}},
            "error_rate and refused_rate must be at most 1 together, got 1.1",
        ),
        ({**TRAFFIC, "canary": {"latency_ms": {"p50": 90, "p99": 10}}}, "p99 must be at least p50"),
        (
            {**TRAFFIC, "changes": [{"at_s": 9, "who": "canary", "set": {"latency_ms": {"p50": 500}}}]},
            "the latency of canary contradicts itself from second 9 on",
        ),
        ({**TRAFFIC, "changes": [{"at_s": 9, "who": "users", "set": {}}]}, "who must be one of canary, stable, both"),
        ({**TRAFFIC, "changes": [{"at_s": 9, "who": "both", "set": {}}]}, "must change something"),
        ({**TRAFFIC, "metrics": {"missing": [{"from_s": 5, "to_s": 5}]}}, "to_s must be after from_s"),
        (
            {**TRAFFIC, "controls": [{"at_s": 5, "do": "panic"}]},
            "do must be one of abort, approve, reject, pause, resume, promote, rollback, stop-execution",
        ),
        (
            {**TRAFFIC, "controls": [{"at_s": 5, "do": "pause", "by": "Ann Lee"}]},
            "by must be a name of 2 to 64 letters, digits and any of + = , . @ - _, got 'Ann Lee'",
        ),
        ({**TRAFFIC, "deployed_at": "Friday"}, "deployed_at must be a time in ISO 8601 with its offset from UTC"),
        (
            {**TRAFFIC, "deployed_at": "2027-01-15T15:00:00"},
            "2027-01-15T15:00:00+01:00, in the years 2000 to 2099, got",
        ),
        ({**TRAFFIC, "deployed_at": "1999-01-15T15:00:00Z"}, "in the years 2000 to 2099, got '1999-01-15T15:00:00Z'"),
        ({**TRAFFIC, "controls": [{"at_s": 5, "do": "deploy", "by": "ann"}]}, "has unknown keys: by"),
        ({**TRAFFIC, "controls": [{"at_s": 5, "do": "set-weights"}]}, "needs weights"),
        ({**TRAFFIC, "seed": 1.5}, "seed must be a whole number, got 1.5"),
        ({**TRAFFIC, "seed": 2**53 + 1}, "seed must be at least 0 and at most 9007199254740992, got 9007199254740993"),
        ({"traffic": {"rps": 10**400}}, "rps must be a number, got 1000000"),
        ({"traffic": {"rps": 1e7}}, "rps must be at least 0 and at most 1e+06, got 1e+07"),
        ({"traffic": {"rps": 1, "burst": 1e7}}, "burst must be at least 1 and at most 1e+06, got 1e+07"),
        (
            {**TRAFFIC, "capacity": {"max_rps_per_instance": 1e-4}},
            "must be at least 0.001 and at most 1e+06, got 0.0001",
        ),
        ({**TRAFFIC, "capacity": {"max_rps_per_instance": 1e7}}, "must be at least 0.001 and at most 1e+06, got 1e+07"),
        ({**TRAFFIC, "capacity": {"launch_s": 4e7}}, "launch_s must be at least 0 and at most 3.1536e+07, got 4e+07"),
        ({**TRAFFIC, "metrics": {"delay_s": 4e7}}, "delay_s must be at least 0 and at most 3.1536e+07, got 4e+07"),
        ({**TRAFFIC, "metrics": {"delay_s": [30, 4e7]}}, "metrics: delay_s: most must be at least 30 and at most 3.15"),
        (
            {**TRAFFIC, "metrics": {"delay_s": [30, 20]}},
            "delay_s: most must be at least 30 and at most 3.1536e+07, got 20",
        ),
        ({**TRAFFIC, "metrics": {"delay_s": [30]}}, "metrics: delay_s needs most"),
        ({**TRAFFIC, "metrics": {"delay_s": [30, 40, 50]}}, "metrics: delay_s must have two numbers, got"),
        ({**TRAFFIC, "metrics": {"delay_s": "late"}}, "delay_s must be a number, got 'late'"),
        ({**TRAFFIC, "metrics": {"delay_s": {"stable": 30}}}, "metrics: delay_s needs canary"),
        ({**TRAFFIC, "metrics": {"delay_s": {"stable": 1, "canary": 2, "b": 3}}}, "delay_s has unknown keys: b"),
        ({**TRAFFIC, "metrics": {"missing": [{"from_s": 0, "to_s": 1, "who": "a"}]}}, "must be one of canary, stable"),
        ({**TRAFFIC, "undocumented": {"zeros": True}}, "undocumented: unknown switches: zeros; known are"),
        (
            {**TRAFFIC, "undocumented": {"values_in_parts": "yes"}},
            "values_in_parts must be one of False, True, got 'yes'",
        ),
        ({**TRAFFIC, "metrics": {"missing": [{"from_s": -4e7, "to_s": 5}]}}, "from_s must be at least -3.1536e+07"),
        (
            {**TRAFFIC, "stable": {"latency_ms": {"p50": 4, "p99": 4e6}}},
            "p99 must be at least 0.001 and at most 3.6e+06",
        ),
        ({**TRAFFIC, "stable": {"latency_ms": {"p50": 1e-9}}}, "p50 must be at least 0.001 and at most 3.6e+06"),
        ({**TRAFFIC, "controls": [{"at_s": 4e7, "do": "abort"}]}, "at_s must be at least 0 and at most 3.1536e+07"),
        (setting_weights({}), "weights must give a variant a weight above 0, got {}"),
        (setting_weights({"variant-a": 0}), "weights must give a variant a weight above 0, got {'variant-a': 0.0}"),
        (setting_weights({"variant-a": 1e7}), "variant-a must be at least 0 and at most 1e+06, got 1e+07"),
        (
            failing("time-out"),
            "error must be in-progress, timeout, crash, in-part or the code of a service error such as",
        ),
        (failing(""), "such as ThrottlingException, got ''"),
    ],
)
def test_a_scenario_is_refused_with_a_sentence(scenario: Any, sentence: str) -> None:
    with pytest.raises(RehearsalError) as refused:
        parse_scenario(scenario)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("error", ["in-progress", "timeout", "crash", "ThrottlingException", "Lambda.TooMany"])
def test_what_a_service_or_a_network_answers_is_an_error(error: str) -> None:
    assert parse_scenario(failing(error)).faults[0].error == error


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"traffic": {"rps": 1}, "traffic": {"rps": 2}}', "has the key traffic twice in one object"),
        ('{"traffic": {"rps": 1, "rps": 2}}', "has the key rps twice in one object"),
        ("[" * 100_000, "is nested too deep"),
        ("{", "is not JSON"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(content)
    with pytest.raises(RehearsalError, match=sentence):
        read_scenario(path)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            "sagemaker:CreateTrainingJob",
            "of sagemaker the handlers call DescribeEndpoint, .* only, got sagemaker:Create",
        ),
        ("ec2:RunInstances", "call must begin with one of sagemaker, application-autoscaling"),
        ("DescribeEndpoint", "or be lambda:Invoke, got DescribeEndpoint"),
    ],
)
def test_a_fault_of_a_call_that_no_handler_makes_is_refused(call: str, sentence: str) -> None:
    with pytest.raises(RehearsalError, match=sentence):
        check_calls(parse_scenario(failing("crash", call)).faults)


@pytest.mark.parametrize("error", ["in-progress", "timeout", "crash"])
def test_an_invocation_fails_only_with_the_code_of_a_service_error(error: str) -> None:
    with pytest.raises(RehearsalError, match=f"the error of lambda:Invoke must be the code .*, got {error}"):
        check_calls(parse_scenario(failing(error, INVOKE)).faults)


def test_only_events_are_lost_in_part() -> None:
    check_calls(parse_scenario(failing("in-part", "events:PutEvents")).faults)
    with pytest.raises(RehearsalError, match="only events:PutEvents can fail in-part, got dynamodb:GetItem"):
        check_calls(parse_scenario(failing("in-part", "dynamodb:GetItem")).faults)


def test_faults_can_meet_every_call_that_the_chaos_bench_disturbs() -> None:
    for call in {call for calls in OF_TASK.values() for call in calls}:
        check_calls(parse_scenario(failing("ThrottlingException", call)).faults)


def test_faults_can_meet_what_handlers_may_call_and_nothing_that_a_rehearsal_cannot_answer(
    declared: DeclaredEndpoint,
) -> None:
    policies = [
        policy["Properties"]["PolicyDocument"]
        for name, policy in declared.resources("AWS::IAM::Policy")
        if "ModelRole" not in name and not any(handler in name for handler in ON_DASHBOARD)  # no rehearsal calls them
    ]
    actions = [
        statement["Action"]
        for policy in policies
        for statement in policy["Statement"]
        if "aws:ViaAWSService" not in statement.get("Condition", {}).get("Bool", {})  # AWS calls, not the handler
    ]
    allowed = {name for action in actions for name in ([action] if isinstance(action, str) else action)}
    possible = {f"{prefix}:{operation}" for prefix, operations in CALLS.items() for operation in operations}
    of_handlers = allowed - {*READ_STREAM.actions, *FIND_STREAM.actions}  # Lambda calls those in a handler's name
    assert {a for a in of_handlers if a.partition(":")[0] in CALLS} == possible - {"apigateway:UpdateStage"}
    aws = SimulatedAws(declared, parse_scenario(TRAFFIC))
    answered = {f"{SERVICES[name]}:{call}" for name, known in aws.api.operations.items() for call in known}
    aws.close()
    assert possible <= answered


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


@pytest.mark.parametrize("option", ["--json", "--report"])
@pytest.mark.parametrize("place", ["none/out", "", "file/out"])
def test_a_place_that_cannot_be_written_is_refused_before_the_rehearsal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str, place: str
) -> None:
    monkeypatch.setattr(command, "rehearse", lambda *_: pytest.fail("it was rehearsed"))
    (tmp_path / "file").touch()
    path = tmp_path / place
    assert main(["--template", "none.json", "--scenario", "none.json", option, str(path)]) == 2
    assert f"{option} must be a file that can be written, got {path}" in capsys.readouterr().err
