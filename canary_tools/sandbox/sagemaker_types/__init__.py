"""The CloudFormation types of SageMaker and Application Auto Scaling, for ministack's provisioner.

Schemas: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
"""

import importlib
from typing import Any

from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.catalogue import ENDPOINT_CONFIG, MODEL
from canary_tools.sandbox.cloudformation.failing_siblings import FailingSiblings
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.turns import Turns
from canary_tools.sandbox.sagemaker_types import endpoint_import
from canary_tools.sandbox.sagemaker_types.create_only import CREATE_ONLY, NAME_PROPERTY
from canary_tools.sandbox.sagemaker_types.endpoint_type import EndpointType
from canary_tools.sandbox.sagemaker_types.record_type import RecordType
from canary_tools.sandbox.sagemaker_types.scaling_types import ScalableTargetType, ScalingPolicyType

_OURS = ("AWS::SageMaker::", "AWS::ApplicationAutoScaling::")


def register_resource_types(
    patches: Patches,
    hosting: SageMakerHosting,
    turns: Turns,
    *,
    notices_failed_update: bool,
    imports_endpoints: bool,
    siblings: FailingSiblings,
) -> None:
    """Add the types to the provisioner. Their handlers wait, so they run on worker threads."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    stacks = importlib.import_module("ministack.services.cloudformation.stacks")
    types: dict[str, Any] = {
        "AWS::SageMaker::Model": RecordType(MODEL, hosting.catalogue.models, hosting.tags, turns),
        "AWS::SageMaker::EndpointConfig": RecordType(ENDPOINT_CONFIG, hosting.catalogue.configs, hosting.tags, turns),
        "AWS::SageMaker::Endpoint": EndpointType(
            hosting.endpoints, hosting.tags, turns, notices_failed_update=notices_failed_update, siblings=siblings
        ),
        "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTargetType(hosting.scaling, turns),
        "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicyType(hosting.scaling, turns),
    }
    for name, handler in types.items():
        functions = {
            "create": handler.create,
            "update": handler.update,
            "update_with_logical_id": True,
            "delete": handler.delete,
        }
        patches.item(provisioners._RESOURCE_HANDLERS, name, functions)  # noqa: SLF001 - the table of types
    if imports_endpoints:
        adopt = endpoint_import.install(patches, hosting.endpoints, turns)
        provisioners._RESOURCE_HANDLERS[endpoint_import.ENDPOINT]["import"] = adopt  # noqa: SLF001 - the table of types
    else:
        endpoint_import.refuse(patches)
    for name, properties in CREATE_ONLY.items():
        patches.item(provisioners._REPLACING_PROPERTIES, name, properties)  # noqa: SLF001 - its rule
    for name, name_property in NAME_PROPERTY.items():
        patches.item(provisioners._CUSTOM_NAME_REPLACEMENT, name, {"name": name_property})  # noqa: SLF001 - its rule
    known_slow = stacks._runs_on_worker_thread  # noqa: SLF001 - its rule for handlers that block
    patches.attribute(stacks, "_runs_on_worker_thread", lambda name: name.startswith(_OURS) or known_slow(name))
    _undo_failed_updates(patches, stacks)
    siblings.install(patches)


def _undo_failed_updates(patches: Patches, stacks: Any) -> None:
    """Make a stack rollback also undo an update that failed, since SageMaker may have begun it.

    Gap it fills: ministack does so for custom resources and nested stacks only. It assumes that a failed update of
    another type has changed nothing.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    known = stacks._sends_back_failed_update  # noqa: SLF001 - its rule for types that may have changed all the same
    patches.attribute(stacks, "_sends_back_failed_update", lambda name: name.startswith(_OURS) or known(name))
