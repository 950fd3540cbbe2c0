"""SageMaker's variants as Application Auto Scaling sees them."""

from canary_tools.aws_models.autoscaling.targets import VariantId
from canary_tools.aws_models.sagemaker.endpoints import Endpoints
from canary_tools.aws_models.sagemaker.variants import Variant


class EndpointVariants:
    """The variants of all endpoints that are in service."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def find(self, variant_id: VariantId) -> Variant | None:
        """Return the variant, or `None` if no endpoint serves one of that name."""
        if not self._endpoints.exists(variant_id.endpoint_name):
            return None
        fleet = self._endpoints.find(variant_id.endpoint_name).fleet
        return None if fleet is None else fleet.variants.get(variant_id.variant_name)

    def set_count(self, variant_id: VariantId, count: int) -> None:
        """Ask SageMaker for a number of instances.

        Raises:
            ApiError: as `UpdateEndpointWeightsAndCapacities` refuses.
        """
        desired = {"VariantName": variant_id.variant_name, "DesiredInstanceCount": count}
        self._endpoints.update_weights_and_capacities(
            {"EndpointName": variant_id.endpoint_name, "DesiredWeightsAndCapacities": [desired]}
        )
