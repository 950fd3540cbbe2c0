"""Failures that a test or a rehearsal orders."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class UpdateFailure:
    """How the next update of an endpoint fails.

    Attributes:
        reason: the text of `FailureReason`, if SageMaker tells one.
        silent: true if the endpoint returns to `InService` on its old config, false if it ends as `Failed`.
    """

    reason: str | None
    silent: bool


@dataclass
class OrderedFaults:
    """Failures that have been ordered and have not happened yet.

    Attributes:
        updates: how the next update of an endpoint fails, by endpoint name.
        weight_rollbacks: names of the endpoints whose next change of weights is rolled back.
        stalled: variants (endpoint name, variant name) that get no more instances, with the seconds for which a request
            for one keeps the endpoint busy; `None` for the usual time.
    """

    updates: dict[str, UpdateFailure] = field(default_factory=dict)
    weight_rollbacks: set[str] = field(default_factory=set)
    stalled: dict[tuple[str, str], float | None] = field(default_factory=dict)

    def take_weight_rollback(self, endpoint_name: str) -> bool:
        """Return whether the change of weights that ends now is rolled back, and forget the order."""
        ordered = endpoint_name in self.weight_rollbacks
        self.weight_rollbacks.discard(endpoint_name)
        return ordered
