"""A published cohort: which requests go to the canary while its weight is 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeGuard

from canary_construct_client.buckets import BUCKETS, bucket_of


class MalformedCohort(Exception):
    """A published rule that this code cannot read."""


@dataclass(frozen=True, kw_only=True)
class HeaderRule:
    """Requests whose header has exactly one of these values; `header` is lower-case."""

    header: str
    values: frozenset[str]

    def matches(self, user_id: str | None, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - a rule
        """Tell whether the request belongs to the cohort; the case of a header's name does not matter."""
        return any(
            isinstance(name, str) and name.lower() == self.header and isinstance(value, str) and value in self.values
            for name, value in headers.items()
        )


@dataclass(frozen=True, kw_only=True)
class UserRule:
    """Users in the first `buckets` of 10,000 buckets; `header` carries the bucket to the API."""

    header: str
    buckets: int
    salt: str

    def matches(self, user_id: str | None, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - a rule
        """Tell whether the user belongs to the cohort; a request without a user does not."""
        return is_user(user_id) and bucket_of(user_id, self.salt) < self.buckets


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Which variant serves the requests that match, and which requests these are."""

    variant: str
    rule: HeaderRule | UserRule

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Self:
        """Read a published record.

        Raises:
            MalformedCohort: when a key is missing, a value is out of its range, or the kind of rule is not known here.
        """
        try:
            return cls(variant=_text(record["variant"]), rule=_parse_rule(record["rule"], salt=record["salt"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedCohort(f"the published cohort cannot be read: {error!r}") from error

    def target_variant(self, *, user_id: str | None = None, headers: Mapping[str, str] | None = None) -> str | None:
        """Return the variant for a request that matches, `None` for any other."""
        return self.variant if self.rule.matches(user_id, headers or {}) else None


def is_user(user_id: object) -> TypeGuard[str]:
    """Tell whether an ID names a user. All who are not signed in may have the same empty one: they are not one user."""
    return isinstance(user_id, str) and bool(user_id.strip())


def _parse_rule(rule: Mapping[str, Any], *, salt: object) -> HeaderRule | UserRule:
    if rule["kind"] == "header":
        values = frozenset(_text(value) for value in rule["values"])
        return HeaderRule(header=_text(rule["header"]).lower(), values=values)
    if rule["kind"] == "users":
        buckets = int(rule["buckets"])
        if not 0 <= buckets <= BUCKETS:
            raise ValueError(f"buckets must be between 0 and {BUCKETS}, got {buckets}")
        return UserRule(header=_text(rule["header"]), buckets=buckets, salt=_text(salt))
    raise ValueError(f"kind must be header or users, got {rule['kind']}")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"a text that is not empty is needed, got {value!r}")
    return value
