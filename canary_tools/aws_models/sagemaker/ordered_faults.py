"""What is about to go wrong, by order of a test or a rehearsal."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class UpdateFailure:
    """How the next update of an endpoint fails.

    Attributes:
        reason: what `FailureReason` will say.
        silent: the endpoint returns to `InService` on its old config; otherwise it ends as `Failed`.
    """

    reason: str
    silent: bool


@dataclass
class OrderedFaults:
    """Orders that wait for their moment.

    Attributes:
        updates: the failure of an endpoint's next update, by endpoint name.
        weight_rollbacks: endpoints whose next change of weights is rolled back.
        stalled: variants that get no instance, and for how many seconds a request for one is in vain.
    """

    updates: dict[str, UpdateFailure] = field(default_factory=dict)
    weight_rollbacks: set[str] = field(default_factory=set)
    stalled: dict[tuple[str, str], float | None] = field(default_factory=dict)

    def take_weight_rollback(self, endpoint_name: str) -> bool:
        """Return whether the change of weights that ends now is to be rolled back; asks once."""
        ordered = endpoint_name in self.weight_rollbacks
        self.weight_rollbacks.discard(endpoint_name)
        return ordered
