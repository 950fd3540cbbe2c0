"""Which slot a release goes to when a stack is deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import DeployRefused
from rollout.contract.names import ROLLED_BACK, SLOTS, other_slot

if TYPE_CHECKING:
    from rollout.contract.hosting import Knobs, SlotHosting
    from rollout.contract.plan import Scaling
    from rollout.ledger import Release


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What one slot of the endpoint config holds."""

    model_name: str
    weight: int
    instances: int
    instance_type: str
    hosting: Knobs = field(default_factory=dict)


Slots = Mapping[str, Placement]
"""By slot."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a deploy asks for: the release's model, and how its instances are started."""

    model_name: str
    instance_type: str
    hosting: SlotHosting
    scaling: Scaling
    """The release's own, or the endpoint's."""

    def released(self) -> Placement:
        """Return a slot that holds the release and serves nobody."""
        return Placement(
            model_name=self.model_name,
            weight=0,
            instances=self.scaling.idle_instances,
            instance_type=self.instance_type,
            hosting=self.hosting.release,
        )


def first_placement(asked: Asked) -> Slots:
    """Return the slots of a new endpoint: both hold the release, the first one serves."""
    released = asked.released()
    return _placement(SLOTS[0], released, released, asked.scaling)


def next_placement(declared: Slots, asked: Asked, scaling: Scaling, *, stable: str) -> Slots:
    """Return the slots with the release in the idle one; the slot that serves keeps its model (invariant 1).

    `scaling`: of the release that serves.
    """
    kept = as_they_are(declared, asked.hosting)[stable]
    return _placement(stable, kept, asked.released(), scaling)


def as_they_are(declared: Slots, hosting: SlotHosting) -> Slots:
    """Return slots that keep their models, their instance types and the hosting that they were started with."""
    return {slot: replace(placed, hosting=hosting.kept(placed.hosting)) for slot, placed in declared.items()}


def types_changed(live: Slots, wanted: Mapping[str, object]) -> list[str]:
    """Return the slots whose instance type is another one now than is wanted, by slot.

    >>> now = Placement(model_name="m", weight=0, instances=1, instance_type="ml.m5.xlarge")
    >>> types_changed({"variant-a": now, "variant-b": now}, {"variant-a": "ml.m5.xlarge", "variant-b": "ml.g5.xlarge"})
    ['variant-b']
    """
    return [slot for slot, placed in live.items() if placed.instance_type != wanted[slot]]


def refuse_other_default(before: str, now: str, *, endpoint: str) -> None:
    """Refuse another instance type for releases that have none of their own: their labels would name other content.

    Raises:
        DeployRefused: with what to do.
    """
    if before != now:
        raise DeployRefused(sentences.OTHER_TYPE.format(endpoint=endpoint, before=before, now=now))


def _placement(stable: str, serving: Placement, idle: Placement, scaling: Scaling) -> Slots:
    return {stable: replace(serving, weight=100, instances=scaling.min_instances), other_slot(stable): idle}


def slot_of(release: Release, in_slots: Mapping[str, Release | None]) -> str | None:
    """Return the slot that holds a release, by its identity."""
    return next((slot for slot, held in in_slots.items() if held and held.same_content(release)), None)


def refuse_dropped(dropped: Sequence[str], live: Knobs, *, endpoint: str) -> None:
    """Refuse a deploy that would take a knob from the slot that serves: its instances would start in another way.

    Raises:
        DeployRefused: with the value that it has.
    """
    lost = {name: live[name] for name in dropped if name in live}
    if lost:
        knobs = ", ".join(f"{name} {value}" for name, value in lost.items())
        raise DeployRefused(sentences.HOSTING_LOST.format(endpoint=endpoint, knobs=knobs))


def refuse_unfit(release: Release, known: Release | None) -> None:
    """Refuse a version label that is taken, and a release that was rolled back.

    Raises:
        DeployRefused: in both cases, with what to do.
    """
    if known is None:
        return
    if known.digest != release.digest:
        words = {"version": release.version, "known": known.digest[:12], "new": release.digest[:12]}
        raise DeployRefused(sentences.OTHER_CONTENT.format(**words))
    _refuse_rolled_back(known)


def refuse_rejected(known: Release, *, declared: Release | None, serving: Release | None) -> None:
    """Refuse a release that was rolled back, waits in the idle slot, and is asked for again: nothing would start.

    The one that was declared last may stay in the template: a change of scaling must not be refused because of it.

    Raises:
        DeployRefused: with what to do.
    """
    if not any(release and known.same_content(release) for release in (declared, serving)):
        _refuse_rolled_back(known)


def _refuse_rolled_back(release: Release) -> None:
    if release.outcome == ROLLED_BACK:
        raise DeployRefused(sentences.REJECTED.format(version=release.version))
