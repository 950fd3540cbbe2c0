"""boto3 clients, made on first use and kept for the life of the Lambda environment."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config


@cache
def client(service: str) -> Any:
    """Return a client that repeats throttled and failed calls a few times."""
    return boto3.client(
        service,
        config=Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=20),
    )


@cache
def single_attempt_client(service: str, read_timeout: int = 10) -> Any:
    """Return a client that never repeats a call, for calls whose effect must be read before another try."""
    return boto3.client(
        service,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=3,
            read_timeout=read_timeout,
        ),
    )
