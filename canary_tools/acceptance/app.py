"""The CDK app that the command deploys. It runs in a process of its own, which `cdk synth` starts.

It is the one module of `canary_tools` that imports `canary_construct`; no other module imports it.
"""

import os

from aws_cdk import App, CfnOutput, Duration, Stack, Tags
from constructs import Construct

from canary_construct import (
    CanaryEndpoint,
    Gate,
    InstanceScaling,
    ModelRelease,
    SmokeTest,
    TrafficRouting,
    TrafficStep,
)
from canary_tools.acceptance.declaration import (
    BAKE_PERIODS,
    ENDPOINT_NAME,
    FIRST_STEP_PERCENT,
    LEDGER,
    MIN_REQUESTS,
    STACK_NAME,
    STATE_MACHINE,
    VARIABLE,
    Declaration,
)

EVERYTHING = 100


class AcceptanceStack(Stack):
    """The smallest stack of this library: one endpoint with one instance in each variant."""

    def __init__(self, scope: Construct, construct_id: str, *, declared: Declaration) -> None:
        super().__init__(scope, construct_id)
        endpoint = CanaryEndpoint(
            self,
            "Endpoint",
            endpoint_name=declared.endpoint_name,
            release=ModelRelease.from_asset(
                version=declared.version,
                image_uri=declared.image_uri,
                path=declared.model_path,
                environment=declared.container_environment(),
            ),
            instance_type=declared.instance_type,
            scaling=InstanceScaling(min_instances=1, max_instances=2, idle_instances=1),
            routing=TrafficRouting.steps([_step(percent, declared) for percent in (FIRST_STEP_PERCENT, EVERYTHING)]),
            gates=[Gate.error_rate(), Gate.latency(warm_up=Duration.seconds(0))],
            smoke_test=SmokeTest(payloads=['{"kind": "smoke"}']),
            metric_period=declared.metric_period_seconds,
        )
        CfnOutput(self, ENDPOINT_NAME, value=endpoint.endpoint_name)
        CfnOutput(self, STATE_MACHINE, value=endpoint.state_machine.state_machine_arn)
        CfnOutput(self, LEDGER, value=endpoint.ledger.table_name)
        for name, value in declared.tags:
            Tags.of(self).add(name, value)


def _step(percent: int, declared: Declaration) -> TrafficStep:
    bake = Duration.seconds(BAKE_PERIODS * declared.metric_period_seconds)
    return TrafficStep(percent=percent, bake=bake, min_requests=MIN_REQUESTS)


def main() -> None:
    """Synthesise what the environment declares."""
    app = App()
    AcceptanceStack(app, STACK_NAME, declared=Declaration.parse(os.environ[VARIABLE]))
    app.synth()


if __name__ == "__main__":
    main()
