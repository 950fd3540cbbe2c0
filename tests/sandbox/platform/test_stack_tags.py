"""Tags of a stack reach all that it declares: `cdk deploy --tags` changes nothing else."""

import importlib
import json
from typing import Any

from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_kms as kms

from canary_construct import Gate
from canary_tools.sandbox.cloudformation import stack_tags
from canary_tools.sandbox.emulator.patching import Patches
from tests.infrastructure.synthesis import declare, rendered, stack


def declared() -> Stack:
    shop = stack()
    gate = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.minutes(5))
    declare(shop, gates=[gate], encryption_key=kms.Key(shop, "Key"))
    return shop


def test_every_declared_type_that_takes_tags_gets_those_of_the_stack() -> None:
    shop = declared()
    Tags.of(shop).add("team", "shop")
    tagged = {resource["Type"] for resource in rendered(shop).values() if "Tags" in resource.get("Properties", {})}
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    patches = Patches()
    stack_tags.install(patches=patches)
    known = set(provisioners._STACK_TAG_PROPERTY)
    patches.undo()
    assert tagged - known == set()
    assert set(stack_tags.TAGGED) <= known


def test_a_tag_of_the_stack_alone_reaches_rules_and_dashboards(playground: Any) -> None:
    resources = {
        "Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["shop"]}}},
        "Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": '{"widgets": []}'}},
    }
    template = {"Resources": resources, "Outputs": {"Rule": {"Value": {"Fn::GetAtt": ["Rule", "Arn"]}}}}
    assert playground.deploy("tagged", template) == "CREATE_COMPLETE"
    cloudformation = playground.client("cloudformation")
    cloudformation.update_stack(
        StackName="tagged", TemplateBody=json.dumps(template), Tags=[{"Key": "team", "Value": "shop"}]
    )

    def described() -> dict[str, Any]:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName="tagged")["Stacks"][0]
        return found

    playground.eventually(lambda: not described()["StackStatus"].endswith("_IN_PROGRESS"))
    assert described()["StackStatus"] == "UPDATE_COMPLETE"
    rule = described()["Outputs"][0]["OutputValue"]
    tags = playground.client("events").list_tags_for_resource(ResourceARN=rule)["Tags"]
    assert {"Key": "team", "Value": "shop"} in tags
