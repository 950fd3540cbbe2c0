#!/usr/bin/env python3
"""The recommender's endpoint, as its team deploys it: `cdk deploy -c version=v2`.

`version` is the release to deploy; left out, v1. `python -m examples.recommender.model.train` writes the archives of
all releases into `build/models`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import App, CfnOutput, Stack

from canary_construct import (
    AlarmThresholds,
    CanaryEndpoint,
    Gate,
    InstanceScaling,
    ModelRelease,
    SmokeTest,
    TrafficRouting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""Where this image finds the inference code: it has no default for either."""
MODELS = Path("build/models")
ROUTING = TrafficRouting.paced(harm_budget=100)
GATES = (Gate.error_rate(), Gate.latency(slow_ms=250))
"""What decides whether a release gets more traffic: its errors, and its answers that take more than 250 ms."""


class RecommenderStack(Stack):
    """One endpoint that recommends items to users.

    The release is the archive `<models>/<version>/model.tar.gz`. The defaults are what the team deploys.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        version: str = "v1",
        models: Path = MODELS,
        routing: TrafficRouting = ROUTING,
        gates: Sequence[Gate] = GATES,
        max_instances: int = 8,
        metric_period: int = 60,
    ) -> None:
        super().__init__(scope, construct_id)
        self.endpoint = CanaryEndpoint(
            self,
            "Recommender",
            release=ModelRelease.from_asset(
                version=version,
                image_uri=IMAGE,
                environment=CODE,
                path=str(models / version / "model.tar.gz"),
            ),
            instance_type="ml.m5.xlarge",
            scaling=InstanceScaling(
                min_instances=2,
                max_instances=max_instances,
                idle_instances=1,
                invocations_per_instance=3000,
            ),
            routing=routing,
            gates=gates,
            alarm_thresholds=AlarmThresholds(min_requests=100),
            smoke_test=SmokeTest(payloads=['{"user": 1}']),
            metric_period=metric_period,
        )
        CfnOutput(self, "EndpointName", value=self.endpoint.endpoint_name)
        CfnOutput(self, "StateMachineArn", value=self.endpoint.state_machine.state_machine_arn)
        CfnOutput(self, "LedgerName", value=self.endpoint.ledger.table_name)


if __name__ == "__main__":
    app = App()
    version = app.node.try_get_context("version")
    RecommenderStack(app, "Recommender", version="v1" if version is None else str(version))
    app.synth()
