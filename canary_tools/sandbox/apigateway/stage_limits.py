"""API Gateway limits how often stages are changed, with one of two errors of status 429.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
"""

import random
from collections.abc import Callable
from typing import Any

from canary_tools.sandbox.emulator.settings import SandboxSettings

ERRORS = ("TooManyRequestsException", "LimitExceededException")
_STATUS = 429


def limited(theirs: Callable[..., Any], gateway: Any, settings: SandboxSettings) -> Callable[..., Any]:
    """Refuse changes of stages as often as the settings say, with each of the two errors in turn."""
    generator = random.Random(settings.seed)  # noqa: S311 - a simulation, not a secret
    refused = 0

    def change(*request: Any) -> Any:
        nonlocal refused
        if generator.random() >= settings.limited_stage_update_probability:
            return theirs(*request)
        refused += 1
        return gateway._v1_error(ERRORS[refused % len(ERRORS)], "Too Many Requests", _STATUS)  # noqa: SLF001 - how it refuses

    return change
