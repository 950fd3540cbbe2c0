"""Which bodies the front door takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway

JSON = "application/json"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")


@dataclass(frozen=True, kw_only=True)
class ContentTypes:
    """The media types of text bodies, which take part in cohorts, and of binary bodies, which do not.

    Raises:
        ValueError: when a type has wildcards, upper case or parameters, is named twice, or no text type is left.
    """

    text: tuple[str, ...]
    binary: tuple[str, ...]

    def __post_init__(self) -> None:
        named = [*self.text, *self.binary]
        for each in named:
            if not _MEDIA_TYPE.fullmatch(each):
                raise ValueError(f"a content type must be like application/json, in lower case, got {each!r}")
            if named.count(each) > 1:
                raise ValueError(f"a content type is either text or binary, and named once, got {each} twice")
        if not self.text:
            raise ValueError("content_types must name at least one text type, got none")

    @property
    def passthrough(self) -> apigateway.PassthroughBehavior:
        """Return what happens to types without a template, as binary ones are.

        `NEVER` answers 415. API Gateway passes a binary body on only where it passes on every type without a
        template; then the model refuses what it does not know.
        Source: https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html (contentHandling)
        """
        behavior = apigateway.PassthroughBehavior
        return behavior.WHEN_NO_MATCH if self.binary else behavior.NEVER
