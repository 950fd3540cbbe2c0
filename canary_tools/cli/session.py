"""The AWS account that the command asks, and who asks."""

from dataclasses import dataclass
from functools import cache

import boto3
from botocore.config import Config
from rollout.watching.target import Access

from canary_tools.cli.refusals import CannotAct, in_sentences

CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=20)


@dataclass(frozen=True, kw_only=True)
class Session(Access):
    """How to reach AWS. `who`: the caller's ARN, as it goes into the ledger."""

    who: str


def open_session(region: str | None = None, profile: str | None = None) -> Session:
    """Return a session with the caller's credentials.

    Raises:
        CannotAct: there are no credentials that work, or no region.
    """
    with in_sentences():
        session = boto3.Session(region_name=region, profile_name=profile)
        if session.region_name is None:
            raise CannotAct("no AWS region is set: use --region, or set AWS_REGION")
        who = session.client("sts", config=CONFIG).get_caller_identity()["Arn"]
    return Session(
        region=session.region_name, who=who, client=cache(lambda service: session.client(service, config=CONFIG))
    )
