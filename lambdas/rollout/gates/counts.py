"""What one gate counted in one minute: requests and bad requests of both variants."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from rollout.contract.counting import MOST

FIELDS = ("canary_total", "canary_bad", "stable_total", "stable_bad")


class InvalidCountsError(ValueError):
    """Impossible counts; the sentence says which one and why."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests and bad requests of one minute (or of one shorter metric period).

    Raises:
        InvalidCountsError: when a count is not finite, negative, fractional, missing, or when more
            requests are bad than there are requests.
    """

    canary_total: int
    canary_bad: int
    stable_total: int
    stable_bad: int

    def __post_init__(self) -> None:
        for field in FIELDS:
            object.__setattr__(self, field, _whole(field, getattr(self, field)))
        for variant, bad, total in (
            ("canary", self.canary_bad, self.canary_total),
            ("stable", self.stable_bad, self.stable_total),
        ):
            if bad > total:
                raise InvalidCountsError(f"{variant}_bad must be at most {variant}_total, got {bad} of {total}")

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Read counts as CloudWatch and CSV files give them (`600.0` is a whole number)."""
        for field in FIELDS:
            value = values.get(field)
            if isinstance(value, int | float) and MOST < value < math.inf:
                raise InvalidCountsError(f"{field} must be at most {MOST:,}, got more")
        return cls(*(values.get(field) for field in FIELDS))  # type: ignore[arg-type]  # checked in __post_init__

    @property
    def bad(self) -> int:
        """Bad requests of both variants."""
        return self.canary_bad + self.stable_bad

    @property
    def total(self) -> int:
        """Requests of both variants."""
        return self.canary_total + self.stable_total

    @property
    def expected(self) -> float:
        """How many of the canary's requests were bad at stable's rate; 0 while stable serves nobody.

        >>> Counts(canary_total=100, canary_bad=7, stable_total=900, stable_bad=45).expected
        5.0
        """
        return self.canary_total * self.stable_bad / self.stable_total if self.stable_total else 0.0

    def with_share(self, share: float) -> "Counts":
        """Return the same bad requests as if the canary had got this share (0 to 1) of all requests.

        Neither total falls below the bad requests.

        >>> Counts(canary_total=900, canary_bad=30, stable_total=5100, stable_bad=6).with_share(0.5)
        Counts(canary_total=3000, canary_bad=30, stable_total=3000, stable_bad=6)
        """
        canary = min(max(round(share * self.total), self.canary_bad), self.total - self.stable_bad)
        return Counts(canary, self.canary_bad, self.total - canary, self.stable_bad)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(self.as_list(), other.as_list(), strict=True)))

    def as_list(self) -> list[int]:
        """Return the four counts in the order of `FIELDS`, as the state keeps them."""
        return [self.canary_total, self.canary_bad, self.stable_total, self.stable_bad]


def _whole(field: str, value: object) -> int:
    """Return the value as an int if it is a whole, finite, non-negative number."""
    if type(value) is int and value >= 0:
        return value
    if value is None:
        raise InvalidCountsError(f"{field} is missing")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidCountsError(f"{field} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise InvalidCountsError(f"{field} must be finite, got {value}")
    if value < 0 or value != int(value):
        raise InvalidCountsError(f"{field} must be a whole number of at least 0, got {value}")
    return int(value)


NOTHING = Counts(0, 0, 0, 0)
