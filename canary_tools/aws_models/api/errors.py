"""How the AWS services of this package refuse a call."""


class ApiError(Exception):
    """An error answer of an AWS API.

    Args:
        code: the error's name, such as `ValidationException`.
        message: the sentence the caller reads.
        status: of the HTTP response.
        fields: further members of the error's body.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, fields: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields or {}


def validation_error(message: str) -> ApiError:
    """Return the error by which SageMaker and Application Auto Scaling refuse most calls."""
    return ApiError("ValidationException", message)
