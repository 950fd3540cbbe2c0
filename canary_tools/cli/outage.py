"""A command that waits for hours outlives the moments in which AWS does not answer."""

from collections.abc import Callable
from typing import TypeVar

from botocore import exceptions as boto
from rollout import clock
from rollout.contract.errors import Throttled, Unavailable

from canary_tools.cli.refusals import is_denied

LONGEST_SECONDS = 20 * 60
"""As long as the rollout itself waits while AWS is away."""
FIRST_SERVER_ERROR = 500

Found = TypeVar("Found")


class Patience:
    """Looks again and again, and gives up when no look has succeeded for 20 minutes."""

    def __init__(self) -> None:
        self._failing_since: float | None = None

    def ask(self, look: Callable[[], Found]) -> Found | None:
        """Return what a look finds; `None` when AWS did not answer it and there is patience left.

        Raises:
            ClientError, BotoCoreError, Throttled, Unavailable: what it raised, when there is none left, or when to ask
                again would change nothing.
        """
        try:
            found = look()
        except (Throttled, Unavailable, boto.ClientError, boto.BotoCoreError) as error:
            now = clock.now()
            self._failing_since = now if self._failing_since is None else self._failing_since
            if not _passes(error) or now - self._failing_since > LONGEST_SECONDS:
                raise
            return None
        self._failing_since = None
        return found


def _passes(error: Exception) -> bool:
    """Tell whether a failure may pass by itself: AWS was away, or limits the rate of calls."""
    cause = error.__cause__ if isinstance(error, Unavailable | Throttled) and error.__cause__ else error
    if isinstance(cause, boto.ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        is_limited = isinstance(error, Throttled) or "Throttl" in cause.response["Error"]["Code"]
        return not is_denied(cause) and (status >= FIRST_SERVER_ERROR or is_limited)
    return isinstance(cause, boto.HTTPClientError | boto.ConnectionError | Throttled | Unavailable)
