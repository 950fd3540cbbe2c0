"""The error with which an AWS service refuses a call."""


class ApiError(Exception):
    """The error answer of an AWS API.

    Args:
        code: the name of the error, such as `ValidationException`.
        message: the sentence that the caller reads.
        status: the status of the HTTP response.
        fields: further members of the error's body.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, fields: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


def validation_error(message: str) -> ApiError:
    """Return the error that SageMaker and Application Auto Scaling answer to most refused calls."""
    return ApiError("ValidationException", message)
