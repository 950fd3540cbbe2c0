"""The endpoint, and the endpoint config that names what its two slots serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Token
from aws_cdk import aws_sagemaker as sagemaker
from rollout.contract.hosting import INSTANCE_TYPE

from canary_construct.hosting.adopted import ENDPOINT_ID
from canary_construct.hosting.overridden import Endpoint, EndpointConfig
from canary_construct.hosting.replaced import keep_replaced
from canary_construct.hosting.slot_hosting import knobs_in
from canary_construct.props.slot import Slot

if TYPE_CHECKING:
    from aws_cdk import CustomResource
    from constructs import Construct

    from canary_construct.hosting.fleet_guardrail import FleetGuardrail
    from canary_construct.hosting.hosting import Hosting
    from canary_construct.props.data_capture import DataCapture

SECONDS_OF_USUAL_METRICS = 60


def endpoint_config(scope: Construct, hosting: Hosting, slots: CustomResource) -> EndpointConfig:
    """Declare the endpoint config with both slots as the guard answered.

    Detailed observability is on by default, and costs.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricsConfig.html
    """
    config = EndpointConfig(
        scope,
        "Config",
        production_variants=[_variant(hosting, slots, slot) for slot in Slot],
        kms_key_id=None if hosting.encryption_key is None else hosting.encryption_key.key_arn,
        data_capture_config=None if hosting.data_capture is None else _capture_config(hosting.data_capture),
        tags=hosting.tags(),
    )
    config.add_property_override("MetricsConfig", _metrics_config(hosting))
    return keep_replaced(config)


def _metrics_config(hosting: Hosting) -> dict[str, object]:
    """Return a property that CDKs of a year ago do not know by name."""
    return {
        "EnableDetailedObservability": False,
        "EnableEnhancedMetrics": hosting.metric_period_seconds < SECONDS_OF_USUAL_METRICS,
        "MetricPublishFrequencyInSeconds": hosting.metric_period_seconds,
    }


def _capture_config(capture: DataCapture) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    options = [sagemaker.CfnEndpointConfig.CaptureOptionProperty(capture_mode=mode) for mode in capture.mode.value]
    return sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
        enable_capture=True,
        destination_s3_uri=capture.url,
        initial_sampling_percentage=capture.percent,
        capture_options=options,
        capture_content_type_header=sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
            json_content_types=list(capture.json_content_types), csv_content_types=list(capture.csv_content_types)
        ),
        kms_key_id=None if capture.key is None else capture.key.key_arn,
    )


def endpoint(scope: Construct, hosting: Hosting, config: EndpointConfig, guardrail: FleetGuardrail) -> Endpoint:
    """Declare the endpoint. An update keeps live weights and instance counts of both variants.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    """
    return Endpoint(
        scope,
        ENDPOINT_ID,
        endpoint_name=hosting.endpoint_name,
        endpoint_config_name=config.attr_endpoint_config_name,
        retain_all_variant_properties=True,
        deployment_config=guardrail.deployment_config(),
        tags=hosting.tags(),
    )


def _variant(
    hosting: Hosting, slots: CustomResource, slot: Slot
) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=slot.value,
        model_name=slots.get_att_string(f"Model{slot.name}"),
        instance_type=slots.get_att_string(f"{INSTANCE_TYPE}{slot.name}"),
        initial_instance_count=Token.as_number(slots.get_att(f"Instances{slot.name}")),
        initial_variant_weight=Token.as_number(slots.get_att(f"Weight{slot.name}")),
        **knobs_in(slot, hosting.knobs, slots),
    )
