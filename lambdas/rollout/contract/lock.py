"""The lock of an endpoint, a record of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.contract.errors import Halted, RolledBackByHand
from rollout.contract.order import Order
from rollout.contract.plan import ApiStage
from rollout.contract.way_back import WayBack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEPLOYMENT = "deployment"
ROLLOUT = "rollout"
BY_A_PERSON = Halted.__name__
"""Who ordered exposure to zero when no alarm and no gate did."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Who may change the endpoint. A rollout's lock also pins the slots and the endpoint config it works on."""

    kind: str
    holder: str
    taken_at: str = ""
    state_machine: str = ""
    """Whose execution the holder is; empty for a deployment."""
    stable: str = ""
    canary: str = ""
    config_name: str = ""
    halted: str = ""
    """Why exposure was ordered to zero; empty while it may rise."""
    halted_by: str = ""
    """The name of the error that the order stands for; it decides whether the release was judged."""
    halted_at: str = ""
    """When that was ordered, in ISO 8601; empty when it was written by hand."""
    halted_who: str = ""
    """Who ordered it, as the ARN of an identity; empty when it was no person, or was written by hand."""
    sealed: bool = False
    """Whether the promotion is decided. After that nothing halts the rollout."""
    promoted_at: str = ""
    """Since when, in ISO 8601, the release is promoted and held beside the former one; empty without a hold-back."""
    kept_because: str = ""
    """Why the hold-back ended before its time; empty when it did not."""
    paused: Order | None = None
    """Who paused the rollout; `None` while it is not paused."""
    resumed: Order | None = None
    """Who resumed it last."""
    awaits: int | None = None
    """The step, from 0, that waits for a person's approval."""
    awaits_until: str = ""
    """Until when it waits, in ISO 8601."""
    awaits_what: str = ""
    """What was asked last of a step, one of `states.Awaits`; it stays when the step waits no more."""
    approved: Order | None = None
    """Who approved last, and in `approved_step` which step."""
    approved_step: int | None = None
    cut_short: Order | None = None
    """Who said last that a bake counts as over, and in `cut_short_step` of which step, from 0."""
    cut_short_step: int | None = None
    way_back: WayBack | None = None
    """What a person ordered after a promotion; `None` for a rollout that a deploy began."""
    api_stages: Sequence[ApiStage] = ()
    """Where the rollout may publish a cohort."""
    share_number: int | None = None
    """The number of the share that an order was announced for last."""
    raising_until: str = ""
    """Until when an order that raises exposure may still arrive; empty before the first one."""

    @property
    def is_ended_by_a_person(self) -> bool:
        """Tell whether a person ordered exposure to zero, and no alarm and no gate."""
        return bool(self.halted) and self.halted_by in {"", BY_A_PERSON, RolledBackByHand.__name__}

    @property
    def had_requests(self) -> bool:
        """Tell whether the release may have had a request of users: a share was ordered for it, weights or a cohort."""
        return bool(self.raising_until)

    @property
    def answer(self) -> Order | None:
        """Who approved the step that waits; `None` while nobody has, and when no step waits."""
        return self.approved if self.awaits is not None and self.awaits == self.approved_step else None

    @property
    def is_held_back(self) -> bool:
        """Tell whether the release is promoted, and neither an alarm nor a gate has taken its traffic back.

        An order of a person does not: it ends the hold-back, and the release keeps its traffic.
        """
        return bool(self.promoted_at) and self.halted_by in {"", BY_A_PERSON}

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Lock:
        """Read the record, which may have fields of the ledger's own."""
        known = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        orders = ("paused", "resumed", "approved", "cut_short")
        known |= {name: Order.parse(record[name]) for name in orders if name in record}
        if "way_back" in record:
            known["way_back"] = WayBack.parse(record["way_back"])
        if "approved" in record:
            known["approved_step"] = int(record["approved"]["step"])
        known |= {name: int(record[name]) for name in ("awaits", "cut_short_step", "share_number") if name in record}
        return cls(**{**known, "api_stages": tuple(ApiStage(**stage) for stage in record.get("api_stages", ()))})

    def to_json(self) -> dict[str, object]:
        """Return the fields that say something: conditions of the ledger ask whether a field is there."""
        known = {name: value for name, value in vars(self).items() if value}
        return known | ({"api_stages": [vars(stage) for stage in self.api_stages]} if self.api_stages else {})
