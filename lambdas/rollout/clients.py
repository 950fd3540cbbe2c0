"""boto3 clients. Each is made when it is first used, and kept as long as the Lambda environment lives."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rollout.contract.errors import Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
    }
)
TOO_MANY_REQUESTS = 429
"""API Gateway has two errors with this status. Source:
https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html"""
FIRST_SERVER_ERROR = 500
ANSWER_SECONDS = 8
"""How long a call that is sent again may wait for its answer."""


@cache
def client(service: str) -> Any:
    """Return a client that sends a throttled or failed call up to four times.

    Four sendings that nobody answers, and the pauses between them, take less than the minute that a task has. So a
    handler can say which call that was, when it is the only one.
    """
    return boto3.client(
        service,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=ANSWER_SECONDS
        ),
    )


@cache
def single_attempt_client(service: str, read_timeout: int = 10) -> Any:
    """Return a client that sends each call only once. `read_timeout`: in seconds.

    It is for calls whose effect must be read before the next try.
    """
    return boto3.client(
        service,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=3,
            read_timeout=read_timeout,
        ),
    )


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn failures that every service can have into named exceptions. All other errors of boto3 stay as they are.

    The message of each exception names the call.

    Raises:
        Throttled: when the service limits the rate of calls.
        Unavailable: when the service gave no answer or failed; the call may have taken effect.
    """
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if error.response["Error"]["Code"] in THROTTLED or status == TOO_MANY_REQUESTS:
            raise Throttled(str(error)) from error
        if status >= FIRST_SERVER_ERROR:
            raise Unavailable(str(error)) from error
        raise
    except BotoCoreError as error:
        raise Unavailable(str(error)) from error
