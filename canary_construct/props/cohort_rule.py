"""Which users reach the canary before a share of all requests does, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, exp, expm1, log, log1p, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from rollout.contract import cohort as contract

from canary_construct.border import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

BUCKETS = 10_000
BUCKET_HEADER = "x-canary-bucket"
VIEWER_COUNTRY_HEADER = "cloudfront-viewer-country"
"""Set by CloudFront, also in front of an edge-optimised API when it is told to. Source:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html"""
MAX_VALUE_LENGTH = 512
"""Of the header, and of all values together; stage variables hold them. Source:
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
USER_VARIATION = 300.0
"""How unequal users are when nobody says it. One user in a hundred who fails with every second request makes 270."""
WIDEST_SPREAD = 10.0
"""How many times the rate of any cohort may differ from that of the others without being called broken."""
_HEADER = re.compile(r"[a-z0-9-]+")
_VALUE = re.compile(r"[A-Za-z0-9._~:/?#&=-]+")


@checked()
@dataclass(frozen=True, kw_only=True)
class CohortRule:
    """Requests that go to the canary while its weight is 0; all others go to stable. Made by its factories.

    Args:
        header: the header that is read, in lower case
        values: of the header, letter by letter; none, where users are matched by their bucket
        buckets: of 10,000 buckets of users, how many match; 0, where values are matched
        expected_percent: of all requests that are expected to match; above 0, below 100. The canary gets the instances
            for them before the step begins
        users: how many visit the endpoint during the step, explained at `share_of_users`
        user_variation: how unequal they are, explained at `share_of_users`; above 0, default 300

    Raises:
        ValueError: when a name, a value or a share is not allowed.
    """

    header: str
    values: tuple[str, ...] = ()
    buckets: int = 0
    expected_percent: float
    users: int | None = None
    user_variation: float = USER_VARIATION

    def __post_init__(self) -> None:
        if bool(self.values) == bool(self.buckets):
            raise ValueError(
                "a cohort rule has either values of a header or buckets of users; use one of its factories"
            )
        if not _HEADER.fullmatch(self.header) or len(self.header) > MAX_VALUE_LENGTH:
            raise ValueError(
                f"header must be a name of at most {MAX_VALUE_LENGTH} letters, digits and hyphens in lower case, got "
                f"{self.header!r}"
            )
        _check_values(self.values)
        if self.values == () and not 0 < self.buckets < BUCKETS:
            raise ValueError(f"buckets must be between 1 and {BUCKETS - 1:,}, got {self.buckets:,}")
        if not 0 < self.expected_percent < 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"expected_percent must be above 0 and below 100, got {self.expected_percent:g}")
        if self.users is not None and self.users < 1:
            raise ValueError(f"users must be 1 or more, got {self.users}")
        if not self.user_variation > 0:
            raise ValueError(f"user_variation must be above 0, got {self.user_variation:g}")

    @classmethod
    def header_values(cls, header: str, values: Sequence[str], *, expected_percent: float) -> CohortRule:
        """Match requests whose header has one of these values, letter by letter.

        Args:
            header: its name, in lower case
            values: one or more, of letters, digits and `._~:/?#&=-`, with their commas at most 512 characters: an API
                keeps them in a stage variable, which takes no others
            expected_percent: of all requests that are expected to match; above 0, below 100

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
        """
        if not values:
            raise ValueError(f"values must hold at least one value of header {header}, got none")
        return cls(header=header, values=tuple(values), expected_percent=expected_percent)

    @classmethod
    def regions(
        cls, codes: Sequence[str], *, expected_percent: float, header: str = VIEWER_COUNTRY_HEADER
    ) -> CohortRule:
        """Match requests from these countries or regions, as a header names them.

        Args:
            codes: such as "DE" and "AT"
            expected_percent: of all requests that are expected to match; above 0, below 100
            header: that names them; left out, CloudFront's `cloudfront-viewer-country`
        """
        return cls.header_values(header, codes, expected_percent=expected_percent)

    @classmethod
    def share_of_users(
        cls,
        percent: float,
        *,
        expected_percent: float | None = None,
        users: int | None = None,
        user_variation: float = USER_VARIATION,
    ) -> CohortRule:
        """Match a share of the users, always the same ones within a rollout.

        The application sends its user's bucket in the header `x-canary-bucket`, four digits that
        `canary_construct_client.bucket_header` computes. A higher share only adds users.

        Users are drawn here and requests are counted, so a cohort may be worse than the others because of who is in it.
        The more users there are, the smaller is the difference that the gates leave to the draw. Without their number
        that is a factor of 10: the step finds what is broken, and cannot judge what is better.

        Args:
            percent: of the users; at least 0.01, below 100
            expected_percent: of all requests; left out, the same share. Say more where few users send many requests, so
                that the canary has the instances for them
            users: how many visit the endpoint during the step's bake, stable's included; 1 or more; left out, not known
            user_variation: how unequal they are: the number of users, times the sum of `(bad - rate * requests) ** 2`
                over them, divided by the square of all bad requests. It comes from a log with user IDs, of a time as
                long as the bake. Above 0, default 300
        """
        buckets = round(percent * BUCKETS / 100)
        if not 0 < buckets < BUCKETS:
            raise ValueError(f"percent of the users must be at least 0.01 and below 100, got {percent:g}")
        return cls(
            header=BUCKET_HEADER,
            buckets=buckets,
            expected_percent=percent if expected_percent is None else expected_percent,
            users=users,
            user_variation=user_variation,
        )

    def spread(self, chance: float) -> float:
        """Return how many times the cohort's rate may differ from the others' because of who is in it.

        The logarithm of the ratio of the two rates is taken to be normal; its variance comes from the number of users
        on both sides. 10 is the most, and holds for a header's values, whose people are others than stable's.

        Args:
            chance: that it is more; above 0, below 0.5

        >>> CohortRule.share_of_users(5).spread(0.005)
        10.0
        >>> CohortRule.share_of_users(5, users=100_000).spread(0.005)
        1.9
        >>> CohortRule.share_of_users(5, users=1_000_000, user_variation=30).spread(0.005)
        1.07
        """
        if self.users is None:
            return WIDEST_SPREAD
        deviation = sqrt(log1p(self.user_variation / (self.users * self._drawn_on_both_sides)))
        return _rounded_up(min(WIDEST_SPREAD, exp(_deviations(chance) * deviation)))

    def users_for(self, spread: float, chance: float) -> int:
        """Return the number of users from which on the spread is at most this much.

        Args:
            spread: above 1
            chance: that it is more; above 0, below 0.5

        >>> CohortRule.share_of_users(5).users_for(2.0, 0.005)
        84100
        """
        deviation = log(spread) / _deviations(chance)
        return ceil(self.user_variation / (expm1(deviation**2) * self._drawn_on_both_sides))

    @property
    def _drawn_on_both_sides(self) -> float:
        """Of all users, how many on each side would make the same variance as the cohort and the others together."""
        part = self.buckets / BUCKETS
        return part * (1 - part)

    def for_handlers(self) -> contract.CohortRule:
        """Return the rule as handlers and clients read it."""
        return contract.CohortRule(header=self.header, values=self.values, buckets=self.buckets)


def _check_values(values: Sequence[str]) -> None:
    wrong = [value for value in values if not _VALUE.fullmatch(value)]
    if wrong:
        raise ValueError(f"values must consist of letters, digits and ._~:/?#&=-, got {wrong[0]!r}")
    length = sum(len(value) + 1 for value in values) + 1
    if length > MAX_VALUE_LENGTH:
        raise ValueError(f"values must fit into {MAX_VALUE_LENGTH} characters with commas, got {length}")


def _deviations(chance: float) -> float:
    """Return how many standard deviations a normal variable exceeds with this chance."""
    return -NormalDist().inv_cdf(chance)


def _rounded_up(spread: float) -> float:
    """Return the spread as people read it: hundredths below 2, tenths above."""
    parts = 100 if spread < 2 else 10  # noqa: PLR2004 - where a hundredth is no longer worth reading
    return ceil(spread * parts) / parts
