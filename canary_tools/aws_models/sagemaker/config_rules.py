"""Rules for models and endpoint configs, beyond the types of their members."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from canary_tools.aws_models.api.errors import ApiError, validation_error

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_MOST_VARIANTS = 10
_MOST_CONTAINERS = 15
_PUBLISH_PERIODS = (10, 30, 60, 120, 180, 240, 300)
_DEFAULT_PERIOD_SECONDS = 60
_DEFAULT_WEIGHT = 1.0
_TIMEOUT_SECONDS = (60, 3600)
_RANGES = {
    "ContainerStartupHealthCheckTimeoutInSeconds": _TIMEOUT_SECONDS,
    "ModelDataDownloadTimeoutInSeconds": _TIMEOUT_SECONDS,
    "VolumeSizeInGB": (1, 512),
}
"""Least and most of a production variant's numbers. Source:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html"""
AMI_VERSIONS = (
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2-ami-sagemaker-inference-neuron-2",
    "al2023-ami-sagemaker-inference-gpu-4-1",
)
ROUTING_STRATEGIES = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM", "PREFIX_AWARE")
"""Source of both as above."""
_WHOLE_PERCENT = 100
CAPTURE_MODES = ("Input", "Output", "InputAndOutput")
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureOption.html"""
_LOCAL_STORAGE = frozenset(
    {
        "m5d",
        "m5dn",
        "m6gd",
        "m6id",
        "m7gd",
        "c5d",
        "c6gd",
        "c6id",
        "c7gd",
        "r5d",
        "r6gd",
        "r6id",
        "r7gd",
        "g4dn",
        "g5",
        "g6",
        "g6e",
        "g7",
        "g7e",
        "p3dn",
        "p4d",
        "p4de",
        "p5",
        "p5e",
        "p5en",
        "p6-b200",
        "p6-b300",
        "p6e-gb200",
        "trn1",
        "trn1n",
        "trn2",
        "dl1",
    }
)
"""Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-volumes.html"""


def check_name(member: str, value: str) -> None:
    """Refuse a name that SageMaker's pattern does not allow.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html

    Raises:
        ApiError: `ValidationException` in the words of AWS's request validation.
    """
    if not _NAME.fullmatch(value):
        raise _constraint(value, member, f"Member must satisfy regular expression pattern: {_NAME.pattern}")


def _constraint(value: object, member: str, rule: str) -> ApiError:
    """Return the words of AWS's request validation."""
    camel = member[0].lower() + member[1:]
    return validation_error(
        f"1 validation error detected: Value '{value}' at '{camel}' failed to satisfy constraint: {rule}"
    )


def accepted_model(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a model with the defaults that SageMaker adds.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html

    Raises:
        ApiError: `ValidationException` if SageMaker would refuse the model.
    """
    check_name("ModelName", request["ModelName"])
    if ("PrimaryContainer" in request) == ("Containers" in request):
        raise validation_error("Specify either PrimaryContainer or Containers, and not both.")
    containers = request["Containers"] if "Containers" in request else [request["PrimaryContainer"]]
    _check_pipeline(containers)
    for container in containers:
        _check_container(container, in_vpc="VpcConfig" in request)
    whole = [{"Mode": "SingleModel", "Environment": {}, **container} for container in containers]
    described = {"Containers": whole} if "Containers" in request else {"PrimaryContainer": whole[0]}
    return {"EnableNetworkIsolation": False, **request, **described}


def _check_pipeline(containers: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a pipeline that is too long, or whose containers have hostnames in part or twice.

    The rules are documented, the sentences are not.
    """
    if not 1 <= len(containers) <= _MOST_CONTAINERS:
        raise validation_error(f"Containers must have 1 to {_MOST_CONTAINERS} members, got {len(containers)}.")
    names = [container["ContainerHostname"] for container in containers if "ContainerHostname" in container]
    if len(names) not in {0, len(containers)} or len(set(names)) < len(names):
        raise validation_error(f"ContainerHostname must be set for all containers, and be unique, got {names}.")


def _check_container(container: Mapping[str, Any], *, in_vpc: bool) -> None:
    """Refuse a container that SageMaker could not fetch. The rules are documented, the sentences are not.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise validation_error("Specify either ModelDataUrl or ModelDataSource, and not both.")
    if container.get("ImageConfig", {}).get("RepositoryAccessMode") == "Vpc" and not in_vpc:
        raise validation_error("RepositoryAccessMode Vpc requires a VpcConfig.")


def accepted_endpoint_config(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of an endpoint config with the defaults that SageMaker adds.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html

    Raises:
        ApiError: `ValidationException` if SageMaker would refuse the endpoint config.
    """
    check_name("EndpointConfigName", request["EndpointConfigName"])
    variants = request["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if not 1 <= len(variants) <= _MOST_VARIANTS:
        raise validation_error(f"ProductionVariants must have 1 to {_MOST_VARIANTS} members, got {len(variants)}.")
    if len(set(names)) < len(names):
        raise validation_error(f"Production variant names must be unique, got {names}.")
    if request.get("ShadowProductionVariants") and len(variants) > 1:
        raise validation_error("Shadow variants are supported with exactly one production variant.")
    for variant in variants:
        _check_variant(variant)
    if "KmsKeyId" in request:
        _check_storage_takes_key(variants)
    if "DataCaptureConfig" in request:
        _check_capture(request["DataCaptureConfig"])
    publish_period_seconds(request)
    weighted = [{"InitialVariantWeight": _DEFAULT_WEIGHT, **variant} for variant in variants]
    return {"EnableNetworkIsolation": False, **request, "ProductionVariants": weighted}


def _check_capture(capture: Mapping[str, Any]) -> None:
    """Refuse a data capture that SageMaker does not know.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
    """
    percent = capture["InitialSamplingPercentage"]
    if not 0 <= percent <= _WHOLE_PERCENT:
        raise _constraint(percent, "InitialSamplingPercentage", "Member must have value between 0 and 100")
    if not capture["CaptureOptions"]:
        raise validation_error("CaptureOptions must have at least one member.")
    for option in capture["CaptureOptions"]:
        _check_choice(option, "CaptureMode", CAPTURE_MODES)


def _check_storage_takes_key(variants: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a key for instances whose local storage is encrypted by hardware.

    The rule is documented. The sentence is known from a public report only.
    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html (KmsKeyId),
    https://github.com/aws/sagemaker-python-sdk/issues/3677
    """
    local = [variant["InstanceType"] for variant in variants if has_local_storage(variant["InstanceType"])]
    if local:
        raise validation_error(f"KMS key is not supported for NVMe instance storage: {', '.join(local)}.")


def has_local_storage(instance_type: str) -> bool:
    """Tell whether instances of this type store on NVMe disks of their own.

    >>> has_local_storage("ml.g5.xlarge"), has_local_storage("ml.m5.xlarge")
    (True, False)
    """
    return instance_type.split(".")[1] in _LOCAL_STORAGE


def _check_variant(variant: Mapping[str, Any]) -> None:
    check_name("VariantName", variant["VariantName"])
    if "ServerlessConfig" in variant:
        raise validation_error("This local AWS does not support serverless variants.")
    if "ManagedInstanceScaling" in variant:
        raise validation_error("ManagedInstanceScaling is only supported with inference components.")
    if variant.get("InitialInstanceCount", 0) < 1:
        raise validation_error(
            f"InitialInstanceCount of production variant {variant['VariantName']} must be at least 1."
        )
    if variant.get("InitialVariantWeight", _DEFAULT_WEIGHT) < 0:
        raise validation_error(
            f"InitialVariantWeight of production variant {variant['VariantName']} must not be negative."
        )
    if "InstanceType" not in variant:
        raise validation_error(f"Production variant {variant['VariantName']} needs an InstanceType.")
    _check_knobs(variant)


def _check_knobs(variant: Mapping[str, Any]) -> None:
    """Refuse how a variant is hosted. That a type takes no volume size is known from AWS's SDK and a public report.

    Sources: https://github.com/aws/sagemaker-python-sdk/pull/4828,
    https://github.com/autogluon/autogluon-cloud/pull/50 (the sentence)
    """
    for name, (least, most) in _RANGES.items():
        if not least <= variant.get(name, least) <= most:
            raise _constraint(variant[name], name, f"Member must have value between {least} and {most}")
    _check_choice(variant, "InferenceAmiVersion", AMI_VERSIONS)
    _check_choice(variant.get("RoutingConfig", {}), "RoutingStrategy", ROUTING_STRATEGIES)
    instance_type = variant["InstanceType"]
    if "VolumeSizeInGB" in variant and has_local_storage(instance_type):
        raise validation_error(f"VolumeSize parameter is not allowed for the selected Instance type {instance_type}.")


def _check_choice(holder: Mapping[str, Any], name: str, allowed: Sequence[str]) -> None:
    if name in holder and holder[name] not in allowed:
        raise _constraint(holder[name], name, f"Member must satisfy enum value set: [{', '.join(allowed)}]")


def publish_period_seconds(config: Mapping[str, Any]) -> int:
    """Return the period in seconds in which an endpoint config publishes its invocation metrics.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricsConfig.html

    Raises:
        ApiError: `ValidationException` for a period that SageMaker does not offer.
    """
    metrics = config.get("MetricsConfig", {})
    frequency = int(metrics.get("MetricPublishFrequencyInSeconds", _DEFAULT_PERIOD_SECONDS))
    if frequency not in _PUBLISH_PERIODS:
        raise validation_error(
            f"MetricPublishFrequencyInSeconds must be one of {list(_PUBLISH_PERIODS)}, got {frequency}."
        )
    return frequency if metrics.get("EnableEnhancedMetrics") else _DEFAULT_PERIOD_SECONDS
