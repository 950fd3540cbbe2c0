"""Two ways to ask for a recommendation: SageMaker's own runtime API, or the front door."""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from canary_construct_client import AnsweredBy
from canary_construct_client.answers import VARIANT_HEADER

from examples.recommender.shop.traffic import Outcome, Request

CONCURRENCY = 64
"""Requests that may be under way at once: at 30 a second, enough for answers that take two seconds."""
TIMEOUT_SECONDS = 10
"""A shopper does not wait longer."""
RELEASE_IN_ERROR = re.compile(r"release (\S+) failed")
"""How ``inference.py`` names its release in an error; SageMaker hands the model's message on."""
OK, MODEL_ERROR = 200, 424
"""HTTP statuses of an answer, and of a model that failed.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""
JSON_CONTENT = "application/json"


class Sender(Protocol):
    """Sends one request and never sends it twice."""

    def ask(self, user: int, due: float) -> Request:
        """Send the request that is due at ``due`` (seconds since the epoch), and return how it ended."""
        ...


class RuntimeSender:
    """Calls ``InvokeEndpoint``. ``target_variant`` names the variant of a user; left out, the weights decide."""

    def __init__(
        self,
        client: Any,  # boto3 is untyped
        endpoint_name: str,
        *,
        target_variant: Callable[[int], str | None] = lambda _user: None,
    ) -> None:
        self._client = client
        self._endpoint_name = endpoint_name
        self._target_variant = target_variant

    def ask(self, user: int, due: float) -> Request:
        """Return how the request ended."""
        target = self._target_variant(user)
        routing = {} if target is None else {"TargetVariant": target}
        try:
            response = self._client.invoke_endpoint(
                EndpointName=self._endpoint_name, ContentType=JSON_CONTENT, Body=_body(user), **routing
            )
            answer = json.loads(response["Body"].read())
        except ClientError as error:
            return _refused(error, due)
        except BotoCoreError as error:
            return _ended(due, Outcome.UNANSWERED, reason=str(error))
        return _answered(due, answer, variant=response["InvokedProductionVariant"])


class ApiSender:
    """Posts to the API in front of the endpoint, with the signature that IAM authorisation needs.

    ``headers`` returns what a user sends beside the content type; left out, nothing. ``timeout_seconds`` limits
    connecting and the answer.
    """

    def __init__(
        self,
        session: boto3.Session,
        url: str,
        *,
        region: str,
        headers: Callable[[int], Mapping[str, str]] = lambda _user: {},
        timeout_seconds: int = TIMEOUT_SECONDS,
    ) -> None:
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        self._signer = SigV4Auth(credentials, "execute-api", region)
        self._url = url
        self._headers = headers
        self._http = URLLib3Session(timeout=timeout_seconds, max_pool_connections=CONCURRENCY)

    def ask(self, user: int, due: float) -> Request:
        """Return how the request ended; headers of the answer name the variant and the release."""
        headers = {"Content-Type": JSON_CONTENT, **self._headers(user)}
        request = AWSRequest("POST", self._url, headers, _body(user))
        self._signer.add_auth(request)
        try:
            response = self._http.send(request.prepare())
        except BotoCoreError as error:
            return _ended(due, Outcome.UNANSWERED, reason=str(error))
        variant = response.headers.get(VARIANT_HEADER)
        if response.status_code == OK:
            return _answered(due, json.loads(response.content), variant=variant)
        return _ended(
            due,
            Outcome.MODEL_ERROR if response.status_code == MODEL_ERROR else Outcome.UNANSWERED,
            variant=variant,
            version=_version(response.headers) or _release_in(response.text),
            reason=f"HTTP {response.status_code}: {response.text}",
        )


def runtime_client(session: boto3.Session, endpoint_url: str | None = None) -> Any:  # boto3 is untyped
    """Make a SageMaker runtime client that sends each request once and keeps its connections."""
    return session.client(
        "sagemaker-runtime",
        endpoint_url=endpoint_url,
        config=Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=CONCURRENCY,
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            tcp_keepalive=True,
        ),
    )


def _body(user: int) -> bytes:
    return json.dumps({"user": user}).encode()


def _answered(due: float, answer: Mapping[str, Any], *, variant: str | None) -> Request:
    return _ended(due, Outcome.OK, variant=variant, version=answer["model"], items=tuple(answer["items"]))


def _refused(error: ClientError, due: float) -> Request:
    """Tell a failing model (code ModelError) from a failing service."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    code = error.response.get("Error", {}).get("Code", "")
    return _ended(
        due,
        Outcome.MODEL_ERROR if code == "ModelError" else Outcome.UNANSWERED,
        variant=headers.get("x-amzn-invoked-production-variant"),
        version=_release_in(str(error.response.get("OriginalMessage", ""))),
        reason=str(error),
    )


def _version(headers: Mapping[str, str]) -> str | None:
    answered_by = AnsweredBy.of(headers)
    return None if answered_by is None else answered_by.release


def _release_in(message: str) -> str | None:
    named = RELEASE_IN_ERROR.search(message)
    return named[1] if named else None


def _ended(due: float, outcome: Outcome, **more: Any) -> Request:
    return Request(sent_at=due, latency_ms=1000 * (time.time() - due), outcome=outcome, **more)
