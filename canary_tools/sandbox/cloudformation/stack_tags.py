"""Tags of a stack, which CloudFormation puts on every resource that takes tags, also when the template is the same.

Gap it fills: ministack knows only some of the types.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-add-tags.html
"""

import importlib

from canary_tools.sandbox.emulator.patching import Patches

TAGGED = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
)


def install(*, patches: Patches) -> None:
    """Let stack tags reach these types too."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    for name in TAGGED:
        patches.item(provisioners._STACK_TAG_PROPERTY, name, ("Tags", "list"))  # noqa: SLF001 - its table of types
