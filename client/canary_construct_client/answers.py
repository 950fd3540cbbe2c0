"""What an answer of the front door says of who gave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

VARIANT_HEADER = "x-canary-variant"
RELEASES_HEADER = "x-canary-release"


@dataclass(frozen=True, kw_only=True)
class AnsweredBy:
    """The variant that answered and the version of the release in it."""

    variant: str
    release: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self | None:
        """Read an answer's headers, in whatever case; `None` when no variant answered, or its release is not named.

        >>> AnsweredBy.of({"X-Canary-Variant": "variant-b", "X-Canary-Release": "variant-a=v1,variant-b=v2"})
        AnsweredBy(variant='variant-b', release='v2')
        """
        found = {name.lower(): value for name, value in headers.items()}
        variant = found.get(VARIANT_HEADER, "")
        pairs = (pair.partition("=") for pair in found.get(RELEASES_HEADER, "").split(","))
        release = {named: release for named, _, release in pairs}.get(variant, "")
        return cls(variant=variant, release=release) if variant and release else None
