"""Which endpoint a command is about: the only one there is, or the one that was named.

The state machine of each endpoint carries tags with all that an operator's tool must know. One call finds them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.contract.names import CONSTRUCT_TAG, LEDGER_TAG, STACK_ID_TAG, TAG
from rollout.watching.target import Target

from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.session import Session


def find_target(session: Session, *, endpoint: str | None = None, stack: str | None = None) -> Target:
    """Return the endpoint that was named by its name or its construct's ID, or the only one there is.

    Raises:
        CannotAct: there is none, or several fit; the message names them.
    """
    found = sorted(_targets(session.client("resourcegroupstaggingapi")), key=lambda each: each.endpoint)
    fit = [each for each in found if _fits(each, endpoint=endpoint, stack=stack)]
    if len(fit) == 1:
        return fit[0]
    if not found:
        raise CannotAct(
            f"there is no endpoint of canary-construct in {session.region}; look at --region and AWS_PROFILE"
        )
    names = ", ".join(f"{each.endpoint} (stack {each.stack})" for each in fit or found)
    if not fit:
        asked = " and ".join(
            f"{kind} {name}" for kind, name in (("endpoint", endpoint), ("stack", stack)) if name is not None
        )
        raise CannotAct(f"there is no {asked} in {session.region}; there are {names}")
    raise CannotAct(f"choose one with --endpoint: {names}")


def _fits(target: Target, *, endpoint: str | None, stack: str | None) -> bool:
    names = {target.endpoint, target.construct, target.construct.rpartition("/")[2]}
    return (endpoint is None or endpoint in names) and (stack is None or stack == target.stack)


def _targets(client: Any) -> Iterator[Target]:
    """Yield every endpoint of the library in this region.

    Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = client.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": TAG}, {"Key": LEDGER_TAG}], ResourceTypeFilters=["states:stateMachine"]
    )
    for page in pages:
        for row in page["ResourceTagMappingList"]:
            yield _target(row["ResourceARN"], {tag["Key"]: tag["Value"] for tag in row["Tags"]})


def _target(arn: str, tags: Mapping[str, str]) -> Target:
    return Target(
        endpoint=tags[TAG],
        stack_id=tags[STACK_ID_TAG],
        construct=tags.get(CONSTRUCT_TAG, ""),
        ledger=tags[LEDGER_TAG],
        state_machine_arn=arn,
    )
