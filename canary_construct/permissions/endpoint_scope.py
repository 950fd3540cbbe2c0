"""The resources of one stack, and of one endpoint in it, by the names that permissions need."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from rollout.contract.names import state_machine_name

from canary_construct.cdk.outermost_stack import outermost_stack

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class StackScope:
    """The resources that all endpoints of a stack share, or that are known by the stack alone."""

    stack: Stack
    settled_stack: Stack
    """The stack whose events settle its endpoints: the outermost one."""
    ledger_arn: str
    ledger_stream_arn: str

    @classmethod
    def of(cls, scope: Construct, *, ledger_arn: str, ledger_stream_arn: str) -> StackScope:
        """Return the resources of the stack around a construct."""
        return cls(
            stack=Stack.of(scope),
            settled_stack=outermost_stack(scope),
            ledger_arn=ledger_arn,
            ledger_stream_arn=ledger_stream_arn,
        )

    def endpoint(self, name: str, *, package_arn: str | None = None) -> EndpointScope:
        """Return the resources of one endpoint of the stack."""
        return EndpointScope(**vars(self), endpoint_name=name, package_arn=package_arn)

    def arn(self, service: str, resource: str, name: str, *, colon: bool = False) -> str:
        """Return an ARN in the stack's account and region."""
        separator = ArnFormat.COLON_RESOURCE_NAME if colon else ArnFormat.SLASH_RESOURCE_NAME
        return self.stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=separator)

    @property
    def scaling_role_arn(self) -> str:
        """Return the role with which Application Auto Scaling changes endpoints. Each account has one, by this name."""
        name = f"aws-service-role/{SCALING_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        return self.stack.format_arn(service="iam", region="", resource="role", resource_name=name)

    @property
    def mark(self) -> str:
        """Return what tells names and tags of this stack from another's."""
        return stack_mark(self.stack)


@dataclass(frozen=True, kw_only=True)
class EndpointScope(StackScope):
    """The resources of one endpoint that statements name."""

    endpoint_name: str
    package_arn: str | None
    """The model package of its release, if it is of one."""

    @property
    def endpoint_arn(self) -> str:
        """Return the endpoint's ARN from its name, in lower case. Handlers need it after the resource is gone."""
        return self.arn("sagemaker", "endpoint", self.endpoint_name.lower())

    @property
    def state_machine_name(self) -> str:
        """Return the name of the endpoint's state machine; with the longest endpoint name it has 80 characters.

        It ends in the stack's mark, so that one statement can name all state machines of a stack.
        """
        return state_machine_name(self.endpoint_name, self.mark)

    @property
    def state_machine_arn(self) -> str:
        """Return the state machine's ARN from its name: a reference from the handlers it calls would be a circle."""
        return self.arn("states", "stateMachine", self.state_machine_name, colon=True)


def stack_mark(scope: IConstruct) -> str:
    """Return eight hexadecimal digits from the name and place of the stack of a construct: the same at every synth."""
    named = f"{outermost_stack(scope).stack_name}/{Stack.of(scope).node.path}"
    return sha256(named.encode()).hexdigest()[:8]
