#!/usr/bin/env python3
"""The recommender's endpoint, as its team deploys it: `cdk deploy -c version=v2`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import App, CfnOutput, Duration, Stack

from canary_construct import (
    AlarmThresholds,
    CanaryEndpoint,
    CohortRule,
    EndpointApi,
    Gate,
    InstanceScaling,
    ModelRelease,
    SmokeTest,
    TrafficRouting,
    TrafficStep,
)

if TYPE_CHECKING:
    from constructs import Construct

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""


class RecommenderStack(Stack):
    """One endpoint that recommends items to users."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        endpoint = CanaryEndpoint(
            self,
            "Recommender",
            release=ModelRelease.from_asset(
                version=self._context("version", "v1"),
                image_uri=IMAGE,
                environment=CODE,
                path=str(
                    Path(self._context("models", "build/models")) / self._context("version", "v1") / "model.tar.gz"
                ),
            ),
            instance_type="ml.m5.xlarge",
            scaling=InstanceScaling(
                min_instances=2,
                max_instances=int(self._context("max_instances", "8")),
                idle_instances=1,
                invocations_per_instance=3000,
            ),
            routing=self._routing(),
            gates=[
                Gate.error_rate(),
                Gate.latency(
                    slow_ms=float(self._context("slow_ms", "250")),
                    warm_up=Duration.seconds(int(self._context("warm_up_seconds", "300"))),
                ),
                *self._conversion_gates(),
            ],
            alarm_thresholds=AlarmThresholds(min_requests=100),
            smoke_test=SmokeTest(payloads=['{"user": 1}']),
            metric_period=int(self._context("metric_period", "60")),
        )
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        CfnOutput(self, "StateMachineArn", value=endpoint.state_machine.state_machine_arn)
        CfnOutput(self, "LedgerName", value=endpoint.ledger.table_name)
        if self._context("front_door", "no") == "yes":
            self._front_door(endpoint)

    def _routing(self) -> TrafficRouting:
        """Raise the share as `-c harm_budget=100` allows; by fixed steps instead with `-c steps=10,50,100`.

        `-c bake_seconds=600` says how long each of them is watched at least; a paced step then takes ten times as long
        at most. A share of the users meets the release first with `-c cohort_percent=5`; `-c users=200000` says how
        many users there are, so that the cohort can judge and not only find what is broken.
        """
        seconds, steps = self._context("bake_seconds", ""), self._context("steps", "")
        bake = Duration.seconds(int(seconds)) if seconds else None
        cohorts = [TrafficStep.cohort(rule, bake=bake) for rule in self._cohort_rules()]
        if steps:
            return TrafficRouting.steps([*cohorts, *(int(share) for share in steps.split(","))], bake=bake)
        longest = Duration.seconds(10 * int(seconds)) if seconds else None
        shares = [TrafficStep(percent=share, bake=bake, max_bake=longest) for share in (10, 50, 95, 100)]
        return TrafficRouting.paced(
            harm_budget=float(self._context("harm_budget", "100")), checkpoints=[*cohorts, *shares]
        )

    def _cohort_rules(self) -> list[CohortRule]:
        percent, users = float(self._context("cohort_percent", "0")), int(self._context("users", "0"))
        return [CohortRule.share_of_users(percent, users=users or None)] if percent else []

    def _front_door(self, endpoint: CanaryEndpoint) -> None:
        """Put an API in front of the endpoint: `-c front_door=yes`."""
        api = EndpointApi(self, "Api", endpoint=endpoint)
        CfnOutput(self, "ApiUrl", value=api.url)
        CfnOutput(self, "ApiId", value=api.rest_api.rest_api_id)
        CfnOutput(self, "ApiStage", value=api.stage.stage_name)

    def _conversion_gates(self) -> list[Gate]:
        """Compare clicks if the shop counts them: `-c conversion_namespace=Shop`."""
        namespace = self._context("conversion_namespace", "")
        if not namespace:
            return []
        delay = Duration.seconds(int(self._context("conversion_delay_seconds", "600")))
        return [Gate.conversion(namespace=namespace, shown="Shown", converted="Converted", delay=delay)]

    def _context(self, name: str, default: str) -> str:
        value = self.node.try_get_context(name)
        return default if value is None else str(value)


if __name__ == "__main__":
    app = App()
    RecommenderStack(app, "Recommender")
    app.synth()
