"""The resources of one endpoint, by the names that permissions need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack

from canary_construct.cdk.outermost_stack import outermost_stack

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class EndpointScope:
    """The resources of one endpoint that statements name."""

    stack: Stack
    settled_stack: Stack
    """The stack whose events settle the endpoint: the outermost one."""
    endpoint_name: str
    ledger_arn: str

    @classmethod
    def of(cls, endpoint: Construct, *, endpoint_name: str, ledger: dynamodb.ITable) -> EndpointScope:
        """Return the resources of an endpoint by its place in the app."""
        return cls(
            stack=Stack.of(endpoint),
            settled_stack=outermost_stack(endpoint),
            endpoint_name=endpoint_name,
            ledger_arn=ledger.table_arn,
        )

    def arn(self, service: str, resource: str, name: str, *, colon: bool = False) -> str:
        """Return an ARN in the stack's account and region."""
        separator = ArnFormat.COLON_RESOURCE_NAME if colon else ArnFormat.SLASH_RESOURCE_NAME
        return self.stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=separator)

    @property
    def endpoint_arn(self) -> str:
        """Return the endpoint's ARN from its name, which is lower-case. Handlers need it after the resource is gone."""
        return self.arn("sagemaker", "endpoint", self.endpoint_name)

    @property
    def state_machine_name(self) -> str:
        """Return the name of the endpoint's state machine; with the longest endpoint name it has 71 characters."""
        return f"{self.endpoint_name}-rollout"

    @property
    def state_machine_arn(self) -> str:
        """Return the state machine's ARN from its name: a reference from the handlers it calls would be a circle."""
        return self.arn("states", "stateMachine", self.state_machine_name, colon=True)
