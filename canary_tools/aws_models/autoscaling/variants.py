"""What Application Auto Scaling needs of SageMaker: read a variant, set its instance count."""

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
        """The number of instances in service."""
        ...

    @property
    def desired_count(self) -> int:
        """The number of instances that the last call asked for."""
        ...


class ScaledVariants(Protocol):
    """The variants of all endpoints."""

    def find(self, variant_id: VariantId) -> ScaledVariant | None:
        """Return the variant, or `None` if no endpoint in service has one of that name."""
        ...

    def refuse_in_progress(self, variant_id: VariantId) -> None:
        """Do nothing if no change of the variant's endpoint runs.

        Raises:
            ApiError: a change runs, in SageMaker's words.
        """
        ...

    def set_count(self, variant_id: VariantId, count: int) -> None:
        """Ask SageMaker for a number of instances.

        Raises:
            ApiError: SageMaker refuses the change, for example because another change of the endpoint runs.
        """
        ...
