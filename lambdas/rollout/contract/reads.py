"""What a model reads whenever an instance of it starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Reads:
    """The bucket and the key of a model's archive, and its role. Each is empty when there is none, or not known.

    SageMaker assumes the role and reads the archive again for every new instance, also of a slot that does not change.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """

    bucket: str = ""
    key: str = ""
    role: str = ""

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Self:
        """Read what a record says; an older one says less."""
        return cls(**{field.name: str(record.get(field.name, "")) for field in fields(cls)})

    def to_json(self) -> dict[str, str]:
        """Return it for a record."""
        return asdict(self)
