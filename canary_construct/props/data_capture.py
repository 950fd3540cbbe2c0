"""What of the requests and answers SageMaker keeps, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from aws_cdk import Token

from canary_construct.border import checked
from canary_construct.border.texts import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3


_TYPE = re.compile(r"(?=.{1,256}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*/[a-zA-Z0-9](-*[a-zA-Z0-9.])*")
MOST_TYPES = 10
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureContentTypeHeader.html"""


class CaptureMode(Enum):
    """Whether requests, answers or both are captured.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureOption.html
    """

    INPUT = ("Input",)
    OUTPUT = ("Output",)
    INPUT_AND_OUTPUT = ("Input", "Output")


@checked(deploy_time=("percent",))
@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """SageMaker writes a share of the requests and their answers to S3, for both variants.

    Args:
        destination: the bucket; files are named `<prefix>/<endpoint>/<variant>/<year>/<month>/<day>/<hour>/….jsonl`
        percent: 1 to 100 % of the requests, drawn at random
        prefix: of the keys, without a slash at its ends; left out, there is none
        mode: requests, answers or both (`CaptureMode`); left out, both
        encryption_key: of the files; left out, the key of the bucket, and if it has none, S3's own
        json_content_types: data of these types is written as JSON text; left out, `application/json`
        csv_content_types: data of these types is written as CSV text, and all other as Base64; left out, `text/csv`

    The role that the library makes may write there, and so may a given role that the app can change. A change is a
    change of the endpoint, not of a release: it reaches both variants with the deploy, and is refused during a rollout.

    Raises:
        ValueError: when `percent` or `prefix` is none that works, or a list has no content type, more than ten, or one
            that SageMaker does not take.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """

    destination: s3.IBucket
    percent: int
    prefix: str = ""
    mode: CaptureMode = CaptureMode.INPUT_AND_OUTPUT
    encryption_key: kms.IKey | None = None
    json_content_types: Sequence[str] = ("application/json",)
    csv_content_types: Sequence[str] = ("text/csv",)

    def __post_init__(self) -> None:
        if not Token.is_unresolved(self.percent) and not 1 <= self.percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percent of a data capture must be between 1 and 100, got {self.percent}")
        if not Token.is_unresolved(self.prefix) and self.prefix != self.prefix.strip("/"):
            raise ValueError(f"prefix of a data capture must not begin or end with a slash, got {self.prefix!r}")
        for name in ("json_content_types", "csv_content_types"):
            _check_types(name, getattr(self, name))

    @property
    def url(self) -> str:
        """Return the S3 URL below which the files are."""
        return f"s3://{self.destination.bucket_name}/{self.prefix}".rstrip("/")

    @property
    def files_arn(self) -> str:
        """Return the ARN of all files, with a wildcard."""
        return self.destination.arn_for_objects(f"{self.prefix}/*" if self.prefix else "*")

    @property
    def key(self) -> kms.IKey | None:
        """Return the key of the files, if it is a customer's."""
        return self.destination.encryption_key if self.encryption_key is None else self.encryption_key


def _check_types(name: str, types: Sequence[str]) -> None:
    if not types:
        raise ValueError(f"{name} must hold at least one type, got none; leave it out for the usual one")
    if len(types) > MOST_TYPES:
        raise ValueError(f"{name} must be at most {MOST_TYPES}, got {len(types)}")
    for each in types:
        check_text(name, each, _TYPE, "hold types such as application/json")
