"""SageMaker's own guardrail of a deploy: how it swaps the fleet, and the alarms that it watches meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Annotations, Token
from aws_cdk import aws_sagemaker as sagemaker
from constructs import IValidation
from rollout.contract.names import FLEET_ALARMS

from canary_construct.border.resources import refuse_alarm_elsewhere
from canary_construct.cdk.lazy import lazy_value
from canary_construct.props.fleet_update import CANARY, FleetUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import IResolvable
    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

    from canary_construct.hosting.model_roles import ModelRoles

MOST_ALARMS = 10
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoRollbackConfig.html"""
WAITED_FOR_SECONDS = 13 * 60
"""How long the guard waits for an endpoint that changes when its stack goes back: a Lambda function runs 15 minutes."""
_WITHOUT = "ml.inf1."
"""Instances of this family are swapped at once, and no alarm is watched. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"""
_NO_ALARM = "fleet_update must have fleet_update_alarms: without an alarm SageMaker has no reason to go back"
_INF1 = (
    "fleet_update_alarms must be left out for {instance_type}: SageMaker swaps a fleet of Inf1 instances at once and "
    "watches no alarm"
)
_LONG = (
    "SageMaker swaps the fleet for {minutes} minutes. If another resource of the stack fails meanwhile, CloudFormation "
    "goes back after {waited} minutes at most, and SageMaker refuses that until the swap is over: then continue the "
    "rollback of the stack"
)


@jsii.implements(IValidation)
class FleetGuardrail:
    """The guardrail of one endpoint. Alarms may be added until the template is rendered; without any there is none.

    Raises:
        ValueError: when there are more than ten alarms.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        update: FleetUpdate | None,
        alarms: Sequence[cloudwatch.IAlarm],
        roles: ModelRoles,
        started_on: str,
    ) -> None:
        self._scope = scope
        self._given = update
        self._update = FleetUpdate.all_at_once() if update is None else update
        self._roles = roles
        self._started_on = started_on
        self._alarms: list[cloudwatch.IAlarm] = []
        for alarm in alarms:
            self.add(alarm)
        scope.node.add_validation(self)
        if update is not None and update.waits_seconds > WAITED_FOR_SECONDS:
            words = {"minutes": update.waits_seconds // 60, "waited": WAITED_FOR_SECONDS // 60}
            Annotations.of(scope).add_info_v2("canary-construct:long-fleet-update", _LONG.format(**words))

    def add(self, alarm: cloudwatch.IAlarm) -> None:
        """Let SageMaker watch one more alarm."""
        refuse_alarm_elsewhere(self._scope, alarm, prop="fleet_update_alarms")
        if len(self._alarms) == MOST_ALARMS:
            raise ValueError(
                f"fleet_update_alarms must be at most {MOST_ALARMS}, got {MOST_ALARMS + 1}: combine some of them in a "
                "composite alarm"
            )
        self._roles.watch_alarms()
        self._alarms.append(alarm)

    def validate(self) -> list[str]:
        """Return what SageMaker would take and not do."""
        if self._given is not None and not self._alarms:
            return [_NO_ALARM]
        if self._alarms and not Token.is_unresolved(self._started_on) and self._started_on.startswith(_WITHOUT):
            return [_INF1.format(instance_type=self._started_on)]
        return []

    def deployment_config(self) -> IResolvable:
        """Return the property of the endpoint; nothing while there is no alarm."""
        return lazy_value(lambda: self._rendered() if self._alarms else None)

    def properties(self) -> dict[str, object]:
        """Return the property by which the check after a deploy knows the alarms; none without alarms."""
        return {FLEET_ALARMS: lazy_value(lambda: self._names() or None)}

    def _names(self) -> list[str]:
        return [alarm.alarm_name for alarm in self._alarms]

    def _rendered(self) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
        update = self._update
        return sagemaker.CfnEndpoint.DeploymentConfigProperty(
            blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                traffic_routing_configuration=_routing(update),
                termination_wait_in_seconds=update.termination_wait_seconds,
                maximum_execution_timeout_in_seconds=update.timeout_seconds,
            ),
            auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=name) for name in self._names()]
            ),
        )


def _routing(update: FleetUpdate) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    """Return how the requests move. The wait between steps is required, though there is one step."""
    if update.percent is None:
        sizes = {}
    else:
        size = sagemaker.CfnEndpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=update.percent)
        sizes = {"canary_size" if update.strategy == CANARY else "linear_step_size": size}
    return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
        type=update.strategy, wait_interval_in_seconds=update.wait_seconds, **sizes
    )
