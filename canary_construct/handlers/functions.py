"""The Lambda functions and the ledger: one set per stack, shared by every `CanaryEndpoint` in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct
from rollout.contract.names import LEDGER_VARIABLE

from canary_construct.handlers.shipped_code import shipped_code
from canary_construct.handlers.state_machine_role import state_machine_role
from canary_construct.permissions.acknowledged_statement import add_statement
from canary_construct.permissions.by_handler import ENDPOINT_POLICIES, IN_ROLE, endpoint_policies_of
from canary_construct.permissions.endpoint_scope import StackScope
from canary_construct.permissions.size import PolicySizes

if TYPE_CHECKING:
    from canary_construct.permissions.endpoint_scope import EndpointScope

SINGLETON_ID = "CanaryHandlers"
LONG_RUNNING = frozenset(
    {"ReleaseSlots", "VerifiedEndpoint", "Settle", "Panic", "Restore", "RollBack", "ShiftTraffic", "SmokeTest"}
)
"""These wait for SageMaker; Lambda allows 15 minutes."""
EVENT_HANDLERS = frozenset({"Settle", "Panic", "Restore"})
VENDED_LOGS = "/aws/vendedlogs/states/"
MEMORY_MB = 512
"""Gives a function so much of a processor that boto3 loads in well under a second."""


class Handlers(Construct):
    """The handlers of all rollouts of a stack, with one role each, and the ledger."""

    @classmethod
    def of(cls, scope: Construct) -> Handlers:
        """Return the stack's handlers, made on first use."""
        stack = Stack.of(scope)
        existing = stack.node.try_find_child(SINGLETON_ID)
        return existing if isinstance(existing, cls) else cls(stack, SINGLETON_ID)

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.ledger = _ledger_table(self)
        self._log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        code = shipped_code()
        self.scope = StackScope.of(self, ledger_arn=self.ledger.table_arn)
        self._roles = {name: self._role(name) for name in IN_ROLE}
        self._functions = {name: self._function(name, code) for name in IN_ROLE}
        self.state_machine_role = state_machine_role(self, "RolloutRole", functions=self._functions)
        self.rollout_log = _rollout_log(self)
        self._policies = {name: _policies_in(role) for name, role in self._roles.items()}
        self.node.add_validation(PolicySizes(self._policies))

    def __getitem__(self, name: str) -> lambda_.Function:
        """Return one handler."""
        return self._functions[name]

    def allow(self, endpoint: Construct, scope: EndpointScope) -> dict[str, list[iam.Policy]]:
        """Let every handler do its part for one endpoint; return, by handler, the policies that come and go with it.

        Endpoints share no policy: when one of them is removed from the stack, its guards must still have their
        permissions when they act.
        """
        policies = {name: self._policy(endpoint, name, scope) for name in ENDPOINT_POLICIES}
        by_handler = {name: [policies[policy] for policy in endpoint_policies_of(name)] for name in IN_ROLE}
        for name, added in by_handler.items():
            self._policies[name] += added
        return by_handler

    def _policy(self, endpoint: Construct, name: str, scope: EndpointScope) -> iam.Policy:
        declared = ENDPOINT_POLICIES[name]
        policy = iam.Policy(endpoint, f"{name}Policy", roles=[self._roles[handler] for handler in declared.handlers])
        add_statement(policy, declared.permission.statement(scope), reason=declared.permission.reason)
        return policy

    def _role(self, name: str) -> iam.Role:
        role = iam.Role(self, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        for permission in IN_ROLE[name]:
            add_statement(role, permission.statement(self.scope), reason=permission.reason)
        self._log_group.grant_write(role)
        return role

    def _function(self, name: str, code: lambda_.Code) -> lambda_.Function:
        function = lambda_.Function(
            self,
            name,
            code=code,
            handler=f"rollout.handlers.{_module(name)}.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=MEMORY_MB,
            timeout=Duration.minutes(15 if name in LONG_RUNNING else 1),
            role=self._roles[name],
            environment={LEDGER_VARIABLE: self.ledger.table_name},
            log_group=self._log_group,
        )
        if name in EVENT_HANDLERS:
            function.configure_async_invoke(retry_attempts=2, max_event_age=Duration.hours(6))
            function.add_permission(
                "Rules",
                principal=iam.ServicePrincipal("events.amazonaws.com"),
                source_arn=self.scope.arn("events", "rule", f"*-{self.scope.mark}"),
            )
        return function


def _policies_in(role: iam.Role) -> list[iam.Policy]:
    return [child for child in role.node.children if isinstance(child, iam.Policy)]


def _rollout_log(scope: Construct) -> logs.LogGroup:
    """Declare the log of all state machines of a stack.

    A group outside `/aws/vendedlogs/` would add itself to a resource policy of 5,120 characters that the whole account
    shares. Source: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
    """
    return logs.LogGroup(
        scope,
        "RolloutLog",
        log_group_name=f"{VENDED_LOGS}{Aws.STACK_NAME}-rollouts",
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=RemovalPolicy.DESTROY,
    )


def _ledger_table(scope: Construct) -> dynamodb.Table:
    return dynamodb.Table(
        scope,
        "Ledger",
        partition_key=dynamodb.Attribute(name="endpoint", type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name="record", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )


def _module(name: str) -> str:
    """Return the module of a handler.

    >>> _module("ScaleCanary")
    'scale_canary'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
