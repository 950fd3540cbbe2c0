"""`AWS::SageMaker::Endpoint` in an import change set, as `cdk import` makes one.

Gap it fills: ministack imports only types that it knows. Whether AWS imports this one is not certain. Its published
schema has the handlers that make a type importable, with `EndpointArn` as its identifier. The project of AWS's own
language server said in November 2025 that the type is not allowed to be imported. Sources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources.html,
https://github.com/hashicorp/terraform-provider-awscc (schemas/AWS_SageMaker_Endpoint.json),
https://github.com/aws-cloudformation/cloudformation-languageserver/pull/314
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canary_tools.aws_models.sagemaker.arns import name_in
from canary_tools.aws_models.sagemaker.endpoints import Endpoints
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.turns import Turns

ENDPOINT = "AWS::SageMaker::Endpoint"
_IDENTIFIER = "EndpointArn"
Imported = tuple[str, dict[str, Any]]


class EndpointImport:
    """Takes a live endpoint into a stack, and leaves it as it is."""

    def __init__(self, endpoints: Endpoints, turns: Turns) -> None:
        self._endpoints = endpoints
        self._turns = turns

    def adopt(self, identifier: Mapping[str, str]) -> Imported:
        """Return the physical ID and the attributes of the endpoint."""
        with self._turns:
            endpoint = self._endpoints.find(name_in(identifier[_IDENTIFIER]))
        return endpoint.arn, {"EndpointName": endpoint.name, _IDENTIFIER: endpoint.arn}

    def problem(self, arn: str) -> str | None:
        """Return why there is nothing to import; `None` if there is. An ARN has the name in lower case."""
        with self._turns:
            name = name_in(arn)
            if self._endpoints.exists(name) and self._endpoints.find(name).arn == arn:
                return None
        changesets = importlib.import_module("ministack.services.cloudformation.changesets")
        sentence: str = changesets._IMPORT_NOT_FOUND  # noqa: SLF001 - AWS's sentence
        return sentence.format(type=ENDPOINT, value=arn)


def install(patches: Patches, endpoints: Endpoints, turns: Turns) -> Callable[[Mapping[str, str]], Imported]:
    """Let import change sets name endpoints; return the handler for the table of types."""
    changesets = importlib.import_module("ministack.services.cloudformation.changesets")
    handler = EndpointImport(endpoints, turns)
    known = ((_IDENTIFIER,), handler.problem)
    patches.item(changesets._IMPORT_LOOKUPS, ENDPOINT, known)  # noqa: SLF001 - its table
    return handler.adopt


def refuse(patches: Patches) -> None:
    """Refuse to import endpoints, as AWS refuses a type that it does not import."""
    changesets = importlib.import_module("ministack.services.cloudformation.changesets")
    theirs = changesets._import_changes  # noqa: SLF001 - it refuses requests with AWS's sentences

    def changes(entries: Sequence[Mapping[str, Any]], *more: Any) -> Any:
        if any(entry["ResourceType"] == ENDPOINT for entry in entries):
            raise ValueError(f"ResourceTypes [{ENDPOINT}] are not supported for Import")
        return theirs(entries, *more)

    patches.attribute(changesets, "_import_changes", changes)
