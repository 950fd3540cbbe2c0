"""The step of a pipeline is green when its release was promoted, and only then."""

import json
import shlex
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage, pipelines
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from canary_construct import rollout_step
from tests.cli.fake import Terminal
from tests.lambdas.fakes.shop import Shop

ROLE = "arn:aws:iam::123456789012:role/operator"


def words_of(step: pipelines.CodeBuildStep) -> list[str]:
    (command,) = step.commands
    program, *words = shlex.split(command)
    assert program == "canary"
    return words


def test_green_red_and_not_judged(shop: Shop, terminal: Terminal) -> None:
    def status(version: str) -> int:
        words = words_of(rollout_step("Wait", version=version, region="us-east-1", stack_name="shop"))
        return terminal.canary(*words).exit_code

    shop.promote("v2")
    assert status("v2") == 0
    for version, error, expected in (("v3", "GateFailed", 1), ("v4", "CapacityUnavailable", 3)):
        execution = shop.begin(version, "Evaluate")
        execution.fail_with(error, "so it was")
        shop.run(execution)
        assert status(version) == expected
    assert status("v9") == 4


def test_what_is_said_of_an_endpoint_is_one_word_whatever_it_has_in_it() -> None:
    words = words_of(rollout_step("Wait", version="v2", region="us-east-1", stack_name="shop; rm -rf /"))
    assert words[words.index("--stack") + 1] == "shop; rm -rf /"


def test_in_a_pipeline_it_waits_after_the_deploy_and_may_assume_one_role() -> None:
    stack = Stack(App(), "Pipeline")
    synth = pipelines.ShellStep("Synth", input=pipelines.CodePipelineSource.git_hub("team/shop", "main"), commands=[])
    pipeline = pipelines.CodePipeline(stack, "Pipeline", synth=synth)
    stage = Stage(stack, "Ireland")
    sns.Topic(Stack(stage, "Shop"), "Something")
    step = rollout_step("Rollout", version="v2", region="eu-west-1", role_arn=ROLE, timeout=Duration.hours(36))
    pipeline.add_stage(stage, post=[step])

    template = Template.from_stack(stack).to_json()["Resources"]

    (project,) = [found for found in properties_of(template, "AWS::CodeBuild::Project") if "canary" in str(found)]
    assert project["TimeoutInMinutes"] == 36 * 60
    spec = json.loads(project["Source"]["BuildSpec"])
    assert spec["phases"]["build"]["commands"] == ["canary --region eu-west-1 --profile canary wait v2 --timeout 2155"]
    assert f"aws configure set profile.canary.role_arn {ROLE}" in spec["phases"]["install"]["commands"]
    assumed = [
        statement["Resource"]
        for policy in properties_of(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if ROLE in str(statement["Resource"])
    ]
    assert assumed == [ROLE]
    (machine,) = properties_of(template, "AWS::CodePipeline::Pipeline")
    (actions,) = [each["Actions"] for each in machine["Stages"] if each["Name"] == "Ireland"]
    order = {action["Name"]: action["RunOrder"] for action in actions}
    assert order["Rollout"] > max(at for name, at in order.items() if name != "Rollout")


@pytest.mark.parametrize("minutes", [9, 36 * 60 + 1])
def test_a_timeout_that_codebuild_does_not_allow_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match=rf"^timeout must be between 10 minutes and 36 hours, got {minutes} minutes$"):
        rollout_step("Wait", version="v2", region="us-east-1", timeout=Duration.minutes(minutes))


def properties_of(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in template.values() if resource["Type"] == kind]
