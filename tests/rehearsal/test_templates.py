"""What a template must have to be rehearsed, and what in it does not matter."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from canary_construct import CanaryEndpoint, ModelRelease
from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint, read_template

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop:1"
ABORTED: Mapping[str, Any] = {
    "traffic": {"rps": 10},
    "capacity": {"launch_s": 30},
    "controls": [{"at_s": 60, "do": "abort"}],
}
EITHER = {"Fn::If": ["IsProduction", "one", "two"]}
FOREIGN: Mapping[str, Any] = {
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": EITHER}},
    "NamedAlarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": EITHER, "Threshold": 1}},
    "AnyAlarm": {"Type": "AWS::CloudWatch::CompositeAlarm"},
    "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "a.b", "Code": {"S3Key": EITHER}}},
    "NamedFunction": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": EITHER, "Handler": EITHER}},
    "Retries": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"FunctionName": EITHER}},
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [{"Fn::Base64": "x"}]},
            "ScheduleExpression": "cron(0 12 * * ? *)",
            "Targets": [EITHER, {"Id": "a", "Arn": EITHER}, {"Id": "b", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
        },
    },
    "AnyRule": {"Type": "AWS::Events::Rule"},
    "RuleOfEither": {"Type": "AWS::Events::Rule", "Properties": {"Targets": EITHER}},
    "Machine": {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionString": {"Fn::Transform": {"Name": "AWS::Include"}}},
    },
    "AnyMachine": {"Type": "AWS::StepFunctions::StateMachine"},
    "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointName": EITHER}},
}
"""Of which a rehearsal knows little, and needs nothing."""

Template = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates of two stacks: Usual has one endpoint with everything left out, Two has two of them."""
    folder = tmp_path_factory.mktemp("templates")
    app = App(outdir=str(folder), context={"aws:cdk:enable-path-metadata": True})
    release = ModelRelease(version="v1", image_uri=IMAGE, model_data_url="s3://models/model.tar.gz")
    CanaryEndpoint(Stack(app, "Usual"), "Shop", release=release, instance_type="ml.m5.xlarge")
    two = Stack(app, "Two")
    for construct_id in ("Shop", "ShopB"):
        CanaryEndpoint(two, construct_id, release=release, instance_type="ml.m5.xlarge")
    app.synth()
    return folder


@pytest.fixture(scope="module")
def usual(folder: Path) -> Path:
    return folder / "Usual.template.json"


def changed(usual: Path, change: Callable[[Template], object]) -> Path:
    """Write a template that differs beside the usual one, where the packed handlers are."""
    template = json.loads(usual.read_text())
    change(template)
    path = usual.with_name("Changed.template.json")
    path.write_text(json.dumps(template))
    return path


def the(template: Template, kind: str, word: str = "") -> tuple[str, Template]:
    """Return the first resource of a type with a word in it."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind and word in json.dumps(resource):
            return logical_id, resource
    raise LookupError(f"there is no {kind} with {word} in it")


def without(kind: str) -> Callable[[Template], object]:
    return lambda template: template["Resources"].pop(the(template, kind)[0])


def without_handler(name: str) -> Callable[[Template], object]:
    return lambda template: the(template, "AWS::Lambda::Function", f"handlers.{name}.")[1].update(
        Type="AWS::SNS::Topic"
    )


def with_plan(plan: Mapping[str, Any]) -> Callable[[Template], object]:
    """Return the change to a state machine that has this plan and does nothing."""
    states = {"Begin": {"Type": "Pass", "Result": {"plan": plan}, "End": True}}
    machine = {"DefinitionString": json.dumps({"StartAt": "Begin", "States": states})}
    return lambda template: the(template, "AWS::StepFunctions::StateMachine")[1]["Properties"].update(machine)


def with_string(template: Template) -> None:
    template["Resources"]["Foo"] = "bar"


def without_type(template: Template) -> None:
    template["Resources"]["Foo"] = {"Properties": {}}


def with_listed_properties(template: Template) -> None:
    template["Resources"]["Foo"] = {"Type": "AWS::Lambda::Function", "Properties": []}


def without_code(template: Template) -> None:
    the(template, "AWS::Lambda::Function", "handlers.prepare.")[1]["Properties"].pop("Code")


def test_an_endpoint_with_everything_left_out_is_promoted(usual: Path) -> None:
    scenario = parse_scenario({"traffic": {"rps": 10}, "capacity": {"launch_s": 30}})
    assert rehearse(find_endpoint(usual, None), scenario).result["outcome"] == "PROMOTED"


@pytest.mark.parametrize("construct", ["Shop", "ShopB"])
def test_an_endpoint_is_found_by_its_name_and_its_constructs_id_and_path(folder: Path, construct: str) -> None:
    path = folder / "Two.template.json"
    found = find_endpoint(path, construct)
    assert found.construct == f"Two/{construct}"
    assert found.endpoint_name == find_endpoint(path, f"Two/{construct}").endpoint_name
    assert find_endpoint(path, found.endpoint_name).construct == f"Two/{construct}"


@pytest.mark.parametrize("name", ["Sho", "Two", "", "Two/Shop/", "shop"])
def test_a_part_of_a_name_names_nothing_and_the_names_are_listed(folder: Path, name: str) -> None:
    path = folder / "Two.template.json"
    names = ", ".join(f"{found.endpoint_name} \\({found.construct}\\)" for found in read_template(path))
    with pytest.raises(RehearsalError, match=f"has no CanaryEndpoint named {name}; it has {names}$"):
        find_endpoint(path, name)


def test_a_choice_among_endpoints_lists_their_names(folder: Path) -> None:
    with pytest.raises(RehearsalError, match=r"choose one with --endpoint: .* \(Two/Shop\), .* \(Two/ShopB\)$"):
        find_endpoint(folder / "Two.template.json", None)


def test_a_template_without_paths_says_the_constructs_name_in_a_logical_id(usual: Path) -> None:
    def forget_paths(template: Template) -> None:
        for resource in template["Resources"].values():
            resource.pop("Metadata", None)

    assert find_endpoint(changed(usual, forget_paths), "Shop").construct == "Shop"


def test_other_peoples_resources_do_not_matter(usual: Path) -> None:
    def add_foreign(template: Template) -> None:
        template["Resources"] = {**FOREIGN, **template["Resources"]}

    mine, among_others = find_endpoint(usual, None), find_endpoint(changed(usual, add_foreign), None)
    for part in ("functions", "rules", "alarms"):
        assert len(getattr(among_others, part)) == len(getattr(mine, part)) > 0
    assert rehearse(among_others, parse_scenario(ABORTED)).result["safe_end"]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (with_string, "is not a synthesised template: its resource Foo has no Type"),
        (without_type, "is not a synthesised template: its resource Foo has no Type"),
        (with_listed_properties, "is not a synthesised template: the Properties of Foo are no object"),
        (without("AWS::SageMaker::Endpoint"), "the template has no AWS::SageMaker::Endpoint for endpoint usual-"),
        (without("AWS::SageMaker::EndpointConfig"), "is not a template that this library synthesised: .* is missing"),
        (without("AWS::SageMaker::Model"), "is not a template that this library synthesised: .* is missing"),
        (without("Custom::ReleaseSlots"), "the template has no Custom::ReleaseSlots for endpoint usual-"),
        (without("Custom::VerifiedEndpoint"), "the template has no Custom::VerifiedEndpoint for endpoint usual-"),
        (without_handler("prepare"), "has no function whose handler is rollout.handlers.prepare.handler"),
        (without_handler("evaluate"), "state Evaluate calls .*, which is no handler of the template"),
        (without_code, "is not a template that this library synthesised: 'Code' is missing"),
    ],
)
def test_a_damaged_template_is_refused(usual: Path, damage: Callable[[Template], object], sentence: str) -> None:
    with pytest.raises(RehearsalError, match=f"Changed.template.json.* {sentence}"):
        find_endpoint(changed(usual, damage), None)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"schema": "x"}, "the plan: schema must be a number, got 'x'"),
        ({"schema": 2}, "the plan's schema 2 is newer than 1, known here"),
        ({"endpoint": 7}, "the plan: endpoint must be a text, got 7"),
        ({"steps": []}, "the plan must have a step, got none"),
        ({"steps": "x"}, "the plan: steps must be a list, got 'x'"),
        ({"steps": [{"percent": 10}]}, r"the plan: steps\[0\] needs bake_seconds"),
        ({"gates": None}, "the plan: gates must be an object, got None"),
        ({"gates": {"sources": {}, "judge": {"gates": []}}}, "the plan: gates must have a gate, got none"),
        ({"scaling": {}}, "the plan: scaling needs min_instances"),
        ({"alarms": {"variant-a": 7}}, "is not a template that this library synthesised: TypeError"),
        ({"poll_seconds": 0}, "the plan: poll_seconds must be at least 1, got 0"),
    ],
)
def test_a_plan_that_no_rollout_can_follow_is_refused(usual: Path, part: Template, sentence: str) -> None:
    with pytest.raises(RehearsalError, match=sentence):
        find_endpoint(changed(usual, with_plan({**find_endpoint(usual, None).plan.to_json(), **part})), None)


@pytest.mark.parametrize("missing", ["gates", "scaling", "alarms", "poll_seconds"])
def test_a_plan_that_lacks_a_part_is_refused_with_its_name(usual: Path, missing: str) -> None:
    plan = {name: part for name, part in find_endpoint(usual, None).plan.to_json().items() if name != missing}
    with pytest.raises(RehearsalError, match=f"the plan needs {missing}"):
        find_endpoint(changed(usual, with_plan(plan)), None)


def test_the_command_says_when_it_rehearses_with_handlers_that_were_not_packed(
    usual: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / usual.name
    alone.write_text(usual.read_text())
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps(ABORTED))
    said = {}
    for template in (usual, alone):
        assert main(["--template", str(template), "--scenario", str(scenario)]) == 0
        said[template] = "the packed handlers are not beside the template" in capsys.readouterr().err
    assert said == {usual: False, alone: True}
