"""Throttling: calls are refused when they come too fast, or when a test orders it."""

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.clock import Clock

_READS = ("Describe", "List", "Get")
_BURST_SECONDS = 4.0


class Throttle:
    """A token bucket for calls that change something. A test can also order that an operation is refused.

    AWS does not publish SageMaker's limits; a few changing calls a second is an assumption.

    Args:
        clock: measures the rate.
        calls_per_second: how fast the bucket fills. It holds what flows in during four seconds.
    """

    def __init__(self, *, clock: Clock, calls_per_second: float) -> None:
        self._clock = clock
        self._rate = calls_per_second
        self._tokens = calls_per_second * _BURST_SECONDS
        self._filled_at = clock.now()
        self._refused_until: dict[str, float] = {}

    def refuse(self, operation: str, seconds: float) -> None:
        """Refuse every call of an operation, such as `UpdateEndpoint`, for the next `seconds`."""
        self._refused_until[operation] = self._clock.now() + seconds

    def admit(self, operation: str) -> None:
        """Let the call through, or refuse it.

        Raises:
            ApiError: `ThrottlingException`, when the operation is refused by order or changing calls come too fast.
        """
        if self._clock.now() < self._refused_until.get(operation, 0.0) or not self._takes_token(operation):
            raise ApiError("ThrottlingException", "Rate exceeded")

    def _takes_token(self, operation: str) -> bool:
        if operation.startswith(_READS):
            return True
        now = self._clock.now()
        self._tokens = min(self._rate * _BURST_SECONDS, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
