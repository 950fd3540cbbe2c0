"""What the sizes of the slots follow: the policies of target tracking of one slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.contract.names import CONCURRENCY, ENDPOINT_DIMENSION, SAGEMAKER_NAMESPACE, VARIANT_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.contract.plan import FollowedMetric, Scaling

PER_MINUTE, AT_THE_SAME_TIME = (
    "SageMakerVariantInvocationsPerInstance",
    "SageMakerVariantConcurrentRequestsPerModelHighResolution",
)
"""Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html"""
KINDS = ("invocations-", "concurrency-", "metric-")


def policies_of(scaling: Scaling, endpoint: str, slot: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the configurations of a slot's policies by name; a fleet of fixed size has none.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=1, max_instances=4, idle_instances=1, invocations_per_instance=1000)
    >>> [(name, policy["TargetValue"]) for name, policy in policies_of(scaling, "shop", "variant-a").items()]
    [('invocations-variant-a', 1000.0)]
    """
    cooldowns = {
        "ScaleOutCooldown": scaling.scale_out_cooldown_seconds, "ScaleInCooldown": scaling.scale_in_cooldown_seconds,
    }  # fmt: skip
    found = [_named(metric, endpoint, slot) for metric in scaling.follows]
    if scaling.invocations_per_instance is not None:
        found.append(("invocations-", float(scaling.invocations_per_instance), _predefined(PER_MINUTE)))
    return {f"{name}{slot}": {"TargetValue": target, **metric, **cooldowns} for name, target, metric in found}


def is_ours(policy: str, slot: str) -> bool:
    """Tell by its name whether this library puts a policy. Others may have put some on the same slot.

    >>> is_ours("metric-QueueLength-variant-a", "variant-a"), is_ours("nightly", "variant-a")
    (True, False)
    """
    return policy.startswith(KINDS) and policy.endswith(f"-{slot}")


def _named(metric: FollowedMetric, endpoint: str, slot: str) -> tuple[str, float, dict[str, Any]]:
    if (metric.namespace, metric.name) == (SAGEMAKER_NAMESPACE, CONCURRENCY):
        return "concurrency-", metric.target, _predefined(AT_THE_SAME_TIME)
    dimensions = {ENDPOINT_DIMENSION: endpoint, VARIANT_DIMENSION: slot, **metric.dimensions}
    customized = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Statistic": metric.statistic,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return f"metric-{metric.name}-", metric.target, {"CustomizedMetricSpecification": customized}


def _predefined(metric: str) -> dict[str, Any]:
    return {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
