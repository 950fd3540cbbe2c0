"""Refusals of the CloudWatch API."""


class ApiError(Exception):
    """An answer with an error code, as the API names it, and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
