"""Gives Application Auto Scaling access to the variants of SageMaker."""

from canary_tools.aws_models.autoscaling.targets import VariantId
from canary_tools.aws_models.sagemaker.endpoints import Endpoints
from canary_tools.aws_models.sagemaker.variants import Variant


class EndpointVariants:
    """The variants of all endpoints that have a fleet."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def find(self, variant_id: VariantId) -> Variant | None:
        """Return the variant, or `None` if no endpoint in service has one of that name."""
        if not self._endpoints.exists(variant_id.endpoint_name):
            return None
        fleet = self._endpoints.find(variant_id.endpoint_name).fleet
        return None if fleet is None else fleet.variants.get(variant_id.variant_name)

    def refuse_in_progress(self, variant_id: VariantId) -> None:
        """Do nothing if no change of the variant's endpoint runs.

        Raises:
            ApiError: a change runs, in SageMaker's words.
        """
        self._endpoints.refuse_in_progress(variant_id.endpoint_name)

    def set_count(self, variant_id: VariantId, count: int) -> None:
        """Ask SageMaker for a number of instances.

        Raises:
            ApiError: `UpdateEndpointWeightsAndCapacities` refuses the change.
        """
        desired = {"VariantName": variant_id.variant_name, "DesiredInstanceCount": count}
        self._endpoints.update_weights_and_capacities(
            {"EndpointName": variant_id.endpoint_name, "DesiredWeightsAndCapacities": [desired]}
        )
