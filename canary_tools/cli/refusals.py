"""What AWS refuses, as a sentence that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from rollout.clients import THROTTLED
from rollout.contract.errors import EndpointNotFound, PayloadTooNew, RolloutError, Throttled, Unavailable

from canary_tools.cli.statuses import Status

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
REFUSED = frozenset(
    {
        "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
        "IncompleteSignature", "InvalidAccessKeyId", "OptInRequired", "AuthFailure",
    }
)  # fmt: skip
"""Sources: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the same page of each service."""


class CannotAct(Exception):
    """The command cannot do what it was asked to; the message is a sentence that says what to do."""

    def __init__(self, sentence: str, status: Status = Status.CANNOT_ACT) -> None:
        super().__init__(sentence)
        self.status = status


@contextmanager
def in_sentences() -> Iterator[None]:
    """Turn what AWS refuses into sentences.

    Raises:
        CannotAct: with the sentence.
    """
    try:
        yield
    except (RolloutError, boto.BotoCoreError, boto.ClientError) as error:
        raise CannotAct(sentence_of(error)) from error


def sentence_of(error: BaseException) -> str:
    """Return what is wrong and what to do, for an error of AWS or of a call to it."""
    first = error
    if isinstance(first, Throttled | Unavailable) and first.__cause__ is not None:
        first = first.__cause__
    if isinstance(first, boto.ClientError):
        return _of_answer(first)
    if isinstance(first, boto.BotoCoreError):
        return _of_connection(first)
    if isinstance(first, EndpointNotFound):
        return f"the endpoint does not exist (any more): {first}"
    if isinstance(first, PayloadTooNew):
        return (
            f"the stack was deployed with a newer library than this command ({first}); "
            "update it: pip install --upgrade 'canary-construct[cli]'"
        )
    return str(first)


def is_denied(error: BaseException) -> bool:
    """Tell whether IAM refuses a call."""
    return isinstance(error, boto.ClientError) and error.response["Error"]["Code"] in DENIED


def _of_answer(error: boto.ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code in DENIED:
        return (
            f"you have no permission for {error.operation_name}; endpoint.grant_operate(…) of the construct gives it. "
            f"AWS says: {error.response['Error'].get('Message', code)}"
        )
    if code in THROTTLED:
        return f"AWS limits the rate of calls ({error.operation_name}); wait a minute and try again"
    if code in EXPIRED:
        return "the AWS credentials have expired; sign in again"
    if code in REFUSED:
        return f"AWS refuses the credentials ({code}); look at AWS_PROFILE, and whether the region is right"
    return f"AWS refused {error.operation_name}: {error.response['Error'].get('Message', code)}"


def _of_connection(error: boto.BotoCoreError) -> str:
    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
            return "no AWS credentials were found: run `aws configure`, or set AWS_PROFILE"
        case boto.TokenRetrievalError() | boto.SSOError():
            return "the AWS sign-in has expired: run `aws sso login`"
        case boto.ProfileNotFound():
            return f"there is no AWS profile of that name: {error}"
        case boto.NoRegionError():
            return "no AWS region is set: use --region, or set AWS_REGION"
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError() | boto.ReadTimeoutError():
            return f"AWS does not answer; look at the region and at your network: {error}"
    return f"AWS could not be asked: {error}"
