"""The AWS account that is asked: a live one, or the local AWS."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from canary_tools.acceptance.pace import LIVE, Pace

_PRINCIPAL = re.compile(r"\barn:aws[\w-]*:(?:iam|sts)::[^\s\"',)]+")
_ACCOUNT = re.compile(r"\b\d{12}\b")
_HOST = re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.amazonaws\.com(?:\.cn)?\b|\b127\.0\.0\.1:\d+\b")


class CannotStart(Exception):
    """The command cannot begin; the message is a sentence that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account, and how to reach it.

    Attributes:
        number: twelve digits; never written anywhere.
        make_client: returns a boto3 client of a service; the same one each time.
        make_client_as: makes a client with the credentials that `AssumeRole` answered.
        api_url: returns where a stage of a REST API is, by the API's identifier and the stage's name.
        environment: what a `cdk` subprocess needs on top of this process's environment.
        partition: "aws", "aws-cn" or "aws-us-gov".
    """

    number: str
    region: str
    make_client: Callable[..., Any] = field(repr=False)
    make_client_as: Callable[[str, Mapping[str, Any]], Any] = field(repr=False)
    api_url: Callable[[str, str], str] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    pace: Pace
    is_local: bool
    partition: str = "aws"


def live_account(region: str | None = None) -> Account:
    """Return the account of the caller's credentials.

    Raises:
        CannotStart: there are no credentials that work, or no region.
    """
    session = boto3.Session(region_name=region)
    if session.region_name is None:
        raise CannotStart("no AWS region is set: use --region, or set AWS_REGION")
    try:
        identity = session.client("sts").get_caller_identity()
    except (NoCredentialsError, NoRegionError) as error:
        raise CannotStart("no AWS credentials were found: run `aws configure`, or set AWS_PROFILE") from error
    except (ClientError, BotoCoreError) as error:
        raise CannotStart(f"AWS refuses the credentials: {error}") from error
    return Account(
        number=identity["Account"],
        region=session.region_name,
        make_client=cache(session.client),
        make_client_as=lambda service, credentials: session.client(service, **key_arguments(credentials)),
        api_url=lambda api, stage: f"https://{api}.execute-api.{session.region_name}.amazonaws.com/{stage}",
        environment={"AWS_REGION": session.region_name, "AWS_DEFAULT_REGION": session.region_name},
        pace=LIVE,
        is_local=False,
        partition=identity["Arn"].split(":")[1],
    )


def key_arguments(credentials: Mapping[str, Any]) -> dict[str, str]:
    """Return the arguments of a boto3 client that uses the credentials of an assumed role."""
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def anonymous(text: str) -> str:
    """Return a text without account numbers, principals and AWS's host names.

    >>> anonymous("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/shop at ab12.execute-api.eu-west-1.amazonaws.com")
    'arn:aws:sagemaker:eu-west-1:<account>:endpoint/shop at <host>'
    """
    return _HOST.sub("<host>", _ACCOUNT.sub("<account>", _PRINCIPAL.sub("<principal>", text)))
