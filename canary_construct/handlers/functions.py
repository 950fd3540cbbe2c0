"""The Lambda functions and the ledger: one set per stack, shared by every `CanaryEndpoint` in it."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from rollout.contract.names import LEDGER_VARIABLE, STACK_VARIABLE

from canary_construct.handlers.ledger_stream import call_on_orders
from canary_construct.handlers.log_groups import function_log, open_to_logs, rollout_log
from canary_construct.handlers.network import allow_network_interfaces, network
from canary_construct.handlers.shipped_code import shipped_code
from canary_construct.handlers.state_machine_role import STATES, state_machine_role
from canary_construct.permissions.acknowledged_statement import add_statement
from canary_construct.permissions.by_handler import (
    ADOPTING,
    ADOPTION,
    ENDPOINT_POLICIES,
    IN_ROLE,
    endpoint_policies_for,
    endpoint_policies_of,
)
from canary_construct.permissions.endpoint_scope import StackScope
from canary_construct.permissions.size import PolicySizes
from canary_construct.props.handler_settings import HandlerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

    from canary_construct.permissions.endpoint_scope import EndpointScope
    from canary_construct.permissions.permission import Permission

SINGLETON_ID = "CanaryHandlers"
LONG_RUNNING = frozenset(
    {"ReleaseSlots", "VerifiedEndpoint", "Settle", "Panic", "Abort", "Restore", "RollBack", "ShiftTraffic", "SmokeTest"}
)
"""These wait for SageMaker; Lambda allows 15 minutes."""
ANNOUNCE = "Announce"
ON_DASHBOARD = ("ShowRollout", "TakeOrder")
"""What a dashboard calls: one function that only reads, and one that acts, so that IAM can allow the first alone."""
EVENT_HANDLERS = frozenset({"Settle", "Panic", "Restore", ANNOUNCE})
NAME_DIGITS = 8
"""Of the digest of an endpoint's name, in the logical IDs of its policies."""
MEMORY_MB = 512
"""Gives a function so much of a processor that boto3 loads in well under a second."""


LEDGER_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What DynamoDB does with a customer's key on behalf of who reads and writes a table. Source:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""


class Handlers(Construct):
    """The handlers of all rollouts of a stack, with one role each, and the ledger."""

    @classmethod
    def of(cls, scope: Construct, settings: HandlerSettings | None = None) -> Handlers:
        """Return the stack's handlers, made on first use; without settings they are as the stack has them already.

        Raises:
            ValueError: when the handlers are there already, with other settings.
        """
        stack = Stack.of(scope)
        existing = stack.node.try_find_child(SINGLETON_ID)
        if not isinstance(existing, cls):
            made = HandlerSettings() if settings is None else settings
            return cls(stack, SINGLETON_ID, settings=made, first=scope.node.path)
        existing.check_same(scope, settings)
        return existing

    def __init__(self, scope: Construct, construct_id: str, *, settings: HandlerSettings, first: str) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._first = first
        self.ledger = _ledger_table(self, settings.ledger_key)
        if settings.encryption_key is not None:
            open_to_logs(self, settings.encryption_key)
        self._log_group = function_log(self, settings)
        self._network = network(self, settings)
        code = _code_by_handler()
        self.scope = StackScope.of(
            self, ledger_arn=self.ledger.table_arn, ledger_stream_arn=str(self.ledger.table_stream_arn)
        )
        self._roles = {name: self._role(name, permissions) for name, permissions in IN_ROLE.items()}
        self._functions = {name: self._function(name, code[name], self._roles[name]) for name in IN_ROLE}
        call_on_orders(self, self._functions["Abort"], self.ledger)
        self.state_machine_role = state_machine_role(self, "RolloutRole", functions=self._functions)
        self.rollout_log = rollout_log(self, settings)
        self._policies = {name: _policies_in(role) for name, role in self._roles.items()}
        self.node.add_validation(PolicySizes(self._policies))

    def __getitem__(self, name: str) -> lambda_.Function:
        """Return one handler."""
        return self._functions[name]

    def announcer_to(self, topic: sns.ITopic) -> lambda_.Function:
        """Return the function that publishes events; made for the first endpoint that has a topic.

        It may do nothing but publish to the topics that it is asked for. Source:
        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        existing = self.node.try_find_child(ANNOUNCE)
        if not isinstance(existing, lambda_.Function):
            existing = self._function(ANNOUNCE, shipped_code([_module(ANNOUNCE)]), self._role(ANNOUNCE, ()))
        iam.Grant.add_to_principal(grantee=existing, actions=["sns:Publish"], resource_arns=[topic.topic_arn])
        if topic.master_key is not None:
            topic.master_key.grant(existing, "kms:Decrypt", "kms:GenerateDataKey")
        return existing

    def check_same(self, scope: Construct, settings: HandlerSettings | None) -> None:
        """Refuse an endpoint that asks for other handlers than the stack has.

        Raises:
            ValueError: when it does.
        """
        if settings is not None and not settings.is_same(self._settings):
            raise ValueError(
                f"handlers must be the same for all endpoints of a stack, got other HandlerSettings for "
                f"{scope.node.path} than for {self._first}, which is declared first"
            )

    def allow(
        self, endpoint: Construct, scope: EndpointScope, *, adopting: bool = False
    ) -> dict[str, list[iam.Policy]]:
        """Let every handler do its part for one endpoint; return, by handler, the policies that come and go with it.

        `adopting`: the endpoint was there before its stack.

        Endpoints share no policy: when one of them is removed from the stack, its guards must still have their
        permissions when they act. So must those of an endpoint that gets another name, which is another endpoint: its
        policies have the name in their logical IDs, so that CloudFormation makes others and deletes these last.
        Source: https://github.com/aws/aws-cdk/issues/14037
        """
        policies = {name: self._policy(endpoint, name, scope) for name in endpoint_policies_for(scope)}
        by_handler = {
            name: [policies[policy] for policy in endpoint_policies_of(name) if policy in policies] for name in IN_ROLE
        }
        if adopting:
            adoption = self._adoption_policy(endpoint, scope)
            for name in ADOPTING:
                by_handler[name].append(adoption)
        for name, added in by_handler.items():
            self._policies[name] += added
        return by_handler

    def _adoption_policy(self, endpoint: Construct, scope: EndpointScope) -> iam.Policy:
        policy = iam.Policy(endpoint, "AdoptionPolicy", roles=[self._roles[handler] for handler in ADOPTING])
        for permission in ADOPTION:
            add_statement(policy, permission.statement(scope), reason=permission.reason)
        return policy

    def _policy(self, endpoint: Construct, name: str, scope: EndpointScope) -> iam.Policy:
        declared = ENDPOINT_POLICIES[name]
        named = f"{name}Policy{sha256(scope.endpoint_name.encode()).hexdigest()[:NAME_DIGITS]}"
        policy = iam.Policy(endpoint, named, roles=[self._roles[handler] for handler in declared.handlers])
        add_statement(policy, declared.permission.statement(scope), reason=declared.permission.reason)
        return policy

    def _role(self, name: str, permissions: Sequence[Permission[StackScope]]) -> iam.Role:
        role = iam.Role(self, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        for permission in permissions:
            add_statement(role, permission.statement(self.scope), reason=permission.reason)
        self._log_group.grant_write(role)
        if self._settings.vpc is not None:
            allow_network_interfaces(role)
        if self._settings.ledger_key is not None and permissions:
            self._settings.ledger_key.grant(role, *LEDGER_KEY_ACTIONS)
        return role

    def _function(self, name: str, code: lambda_.Code, role: iam.Role) -> lambda_.Function:
        function = lambda_.Function(
            self,
            name,
            code=code,
            handler=f"rollout.handlers.{_module(name)}.handler",
            runtime=self._settings.used_runtime(),
            architecture=self._settings.used_architecture(),
            memory_size=MEMORY_MB,
            timeout=Duration.minutes(15 if name in LONG_RUNNING else 1),
            role=role,
            environment={LEDGER_VARIABLE: self.ledger.table_name, STACK_VARIABLE: self.scope.mark},
            environment_encryption=self._settings.encryption_key,
            log_group=self._log_group,
            **self._network,
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


def _ledger_table(scope: Construct, key: kms.IKey | None) -> dynamodb.Table:
    return dynamodb.Table(
        scope,
        "Ledger",
        partition_key=dynamodb.Attribute(name="endpoint", type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name="record", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        encryption_key=key,
        stream=dynamodb.StreamViewType.NEW_IMAGE,
        removal_policy=RemovalPolicy.DESTROY,
    )


def handlers_by_asset() -> tuple[tuple[str, ...], ...]:
    """Return which handlers share an asset: the states of the rollout, what happens around it, and the dashboard.

    The states judge, which is nearly half of all code. The others share most of what they import.
    """
    return STATES, tuple(name for name in IN_ROLE if name not in {*STATES, *ON_DASHBOARD}), ON_DASHBOARD


def _code_by_handler() -> dict[str, lambda_.Code]:
    assets = {names: shipped_code([_module(name) for name in names]) for names in handlers_by_asset()}
    return {name: code for names, code in assets.items() for name in names}


def _module(name: str) -> str:
    """Return the module of a handler.

    >>> _module("ScaleCanary")
    'scale_canary'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
