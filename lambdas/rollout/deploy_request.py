"""What a deploy asks for: the properties of `Custom::ReleaseSlots`, as the guard reads them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.contract.adoption import Adoption
from rollout.contract.hosting import INSTANCE_TYPE, RELEASE_SCALING, RELEASE_TYPE, SlotHosting
from rollout.contract.plan import Scaling
from rollout.contract.reads import Reads
from rollout.decisions.keeping import Kept
from rollout.decisions.placement import Asked
from rollout.ledger import Release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.decisions.placement import Placement


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the properties of the resource ask for. `digest` is of them all."""

    release: Release
    asked: Asked
    default_types: tuple[str, str]
    """The instance type of releases that have none of their own: before this deploy, and now."""
    dropped: Sequence[str]
    """The knobs that the endpoint had before this deploy, and has no more."""
    digest: str
    own_scaling: Scaling | None
    """Of the release; `None`: it has the endpoint's."""
    reads: Reads
    kept: Kept
    adoption: Adoption | None

    def serves_in(self, slot: Placement, held: Release | None) -> bool:
        """Tell whether the slot that serves has the very model of this release, under another label (`held`)."""
        same = held is not None and held.digest == self.release.digest
        return same and slot.model_name == self.asked.model_name

    @classmethod
    def parse(cls, properties: Mapping[str, Any], before: Mapping[str, Any], *, scaling: Scaling) -> Wanted:
        """Read the properties. `before`: those of the deploy before; empty at the first. `scaling`: the endpoint's."""
        hosting, default_type = hosting_of(properties), properties[INSTANCE_TYPE]
        own = Scaling.parse(json.loads(properties[RELEASE_SCALING])) if RELEASE_SCALING in properties else None
        asked = Asked(
            model_name=properties["ModelName"],
            instance_type=properties.get(RELEASE_TYPE, default_type),
            hosting=hosting,
            scaling=scaling if own is None else own,
        )
        return cls(
            release=Release(version=properties["Version"], digest=_content_digest(properties)),
            asked=asked,
            default_types=(before.get(INSTANCE_TYPE, default_type), default_type),
            dropped=sorted(hosting_of(before).endpoint.keys() - hosting.endpoint.keys()),
            digest=_digest(properties),
            own_scaling=own,
            reads=Reads(
                buckets=tuple(properties.get("ModelBuckets", ())),
                key=properties.get("ModelKey", ""),
                role=properties.get("ModelRole", ""),
                functions=tuple(properties.get("ModelFunctions", ())),
                package=properties.get("ModelPackage", ""),
            ),
            kept=_kept(properties),
            adoption=Adoption.parse(properties),
        )


def hosting_of(properties: Mapping[str, Any]) -> SlotHosting:
    """Return the knobs that the properties ask for."""
    return SlotHosting.parse(json.loads(properties["Hosting"])) if "Hosting" in properties else SlotHosting()


def _kept(properties: Mapping[str, Any]) -> Kept:
    """Return what the stack keeps. Of a role that the library makes, the functions are left out when there is none."""
    buckets = properties.get("ReadableBuckets")
    return Kept(
        buckets=buckets,
        keys=properties.get("UsableKeys"),
        roles=properties.get("KeptRoles"),
        functions=properties.get("CallableFunctions", None if buckets is None else []),
    )


def _content_digest(properties: Mapping[str, Any]) -> str:
    """Return the digest of the release's content, with the values that were not known at synth."""
    digest: str = properties["ContentDigest"]
    values = properties.get("ContentValues")
    return _digest([digest, values]) if values else digest


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
