"""What Lambda tells a handler about its invocation."""

LAMBDA_MILLISECONDS = 900_000


class FakeContext:
    """The context of a Lambda invocation with a given time left; by default the longest, 15 minutes."""

    def __init__(self, milliseconds: int = LAMBDA_MILLISECONDS) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds
