"""What Application Auto Scaling sees of the variants that it scales, and asks of SageMaker."""

from typing import Protocol

from canary_tools.aws_models.autoscaling.targets import VariantId


class ScaledVariant(Protocol):
    """A variant in service."""

    @property
    def instance_type(self) -> str:
        """Its instance type, such as `ml.m5.xlarge`."""
        ...

    @property
    def current_count(self) -> int:
        """How many instances serve."""
        ...

    @property
    def desired_count(self) -> int:
        """How many instances the last call asked for."""
        ...


class ScaledVariants(Protocol):
    """All variants that could be scaled."""

    def find(self, variant_id: VariantId) -> ScaledVariant | None:
        """Return the variant, or `None` if no endpoint serves one of that name."""
        ...

    def set_count(self, variant_id: VariantId, count: int) -> None:
        """Ask SageMaker for a number of instances.

        Raises:
            ApiError: SageMaker refuses, since a change of the endpoint runs or the endpoint is gone.
        """
        ...
