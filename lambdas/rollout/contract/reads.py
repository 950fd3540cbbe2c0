"""What a model reads whenever an instance of it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Reads:
    """The buckets and the key of a model's archives, its role, and the functions with its registries' credentials.

    `package`: the model package that it is of.

    Each is empty when there is none, or not known.

    SageMaker assumes the role and reads the archive again for every new instance, also of a slot that does not change.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """

    buckets: tuple[str, ...] = ()
    key: str = ""
    role: str = ""
    functions: tuple[str, ...] = ()
    package: str = ""

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Self:
        """Read what a record says; one without a model says nothing."""
        return cls(
            buckets=tuple(str(name) for name in record.get("buckets", ())),
            key=str(record.get("key", "")),
            role=str(record.get("role", "")),
            functions=tuple(str(arn) for arn in record.get("functions", ())),
            package=str(record.get("package", "")),
        )

    def to_json(self) -> dict[str, str | list[str]]:
        """Return it for a record."""
        lists = {"buckets": list(self.buckets), "functions": list(self.functions)}
        return {**lists, "key": self.key, "role": self.role, "package": self.package}
