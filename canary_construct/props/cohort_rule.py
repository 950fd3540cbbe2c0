"""Which users reach the canary before a share of all requests does, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract import cohort as contract

if TYPE_CHECKING:
    from collections.abc import Sequence

BUCKETS = 10_000
BUCKET_HEADER = "x-canary-bucket"
VIEWER_COUNTRY_HEADER = "cloudfront-viewer-country"
"""Set by CloudFront, also in front of an edge-optimised API when it is told to. Source:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html"""
MAX_VALUES_LENGTH = 512
"""Of all values together; a stage variable holds them. Source:
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
_HEADER = re.compile(r"[a-z0-9-]+")
_VALUE = re.compile(r"[A-Za-z0-9._~:/?#&=-]+")


@dataclass(frozen=True, kw_only=True)
class CohortRule:
    """Requests that go to the canary while its weight is 0; all others go to stable. Made by its factories.

    `expected_percent` (above 0, below 100) of all requests are expected to match: the canary gets the instances for
    them before the step begins.

    Raises:
        ValueError: when a name, a value or a share is not allowed.
    """

    header: str
    values: tuple[str, ...] = ()
    buckets: int = 0
    expected_percent: float

    def __post_init__(self) -> None:
        if bool(self.values) == bool(self.buckets):
            raise ValueError(
                "a cohort rule has either values of a header or buckets of users; use one of its factories"
            )
        if not _HEADER.fullmatch(self.header):
            raise ValueError(f"header must be a name of letters, digits and hyphens in lower case, got {self.header!r}")
        if not 0 < self.expected_percent < 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"expected_percent must be above 0 and below 100, got {self.expected_percent:g}")

    @classmethod
    def header_values(cls, header: str, values: Sequence[str], *, expected_percent: float) -> CohortRule:
        """Match requests whose header has one of these values, letter by letter.

        Values hold letters, digits and `._~:/?#&=-`: an API keeps them in a stage variable, which takes no others.

        Raises:
            TypeError: when `values` is one text.

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
        """
        if isinstance(values, str):
            raise TypeError(f"values must be a sequence of texts, got the text {values!r}")
        if not values:
            raise ValueError(f"values must hold at least one value of header {header}, got none")
        wrong = [value for value in values if not _VALUE.fullmatch(value)]
        if wrong:
            raise ValueError(f"values must consist of letters, digits and ._~:/?#&=-, got {wrong[0]!r}")
        length = sum(len(value) + 1 for value in values) + 1
        if length > MAX_VALUES_LENGTH:
            raise ValueError(f"values must fit into {MAX_VALUES_LENGTH} characters with commas, got {length}")
        return cls(header=header, values=tuple(values), expected_percent=expected_percent)

    @classmethod
    def regions(
        cls, codes: Sequence[str], *, expected_percent: float, header: str = VIEWER_COUNTRY_HEADER
    ) -> CohortRule:
        """Match requests from these countries or regions, as a header names them; by default CloudFront's."""
        return cls.header_values(header, codes, expected_percent=expected_percent)

    @classmethod
    def share_of_users(cls, percent: float, *, expected_percent: float | None = None) -> CohortRule:
        """Match a share of the users (at least 0.01 %), always the same ones within a rollout.

        The application sends its user's bucket in the header `x-canary-bucket`, four digits that
        `canary_construct_client.bucket_header` computes. A higher share only adds users. Left out, `expected_percent`
        is the same share: say more where few users send many requests, so that the canary has the instances for them.
        """
        buckets = round(percent * BUCKETS / 100)
        if not 0 < buckets < BUCKETS:
            raise ValueError(f"percent of the users must be at least 0.01 and below 100, got {percent:g}")
        return cls(
            header=BUCKET_HEADER,
            buckets=buckets,
            expected_percent=percent if expected_percent is None else expected_percent,
        )

    def for_handlers(self) -> contract.CohortRule:
        """Return the rule as handlers and clients read it."""
        return contract.CohortRule(header=self.header, values=self.values, buckets=self.buckets)
