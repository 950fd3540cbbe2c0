"""The name of an endpoint, known at synth so that the deploy-time guard can look for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Stack, Stage, Token

from canary_construct.cdk.outermost_stack import outermost_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import Construct, IConstruct

MAX_LENGTH = 63
_NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")
_LIVE_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def default_endpoint_name(scope: IConstruct) -> str:
    """Return a name that people can find: stack, construct ID, and eight digits of the construct's address.

    It is the same at every synth. The digits tell constructs of the same ID apart. Where all of it is too long, the
    stack's name is cut first, and the ID keeps at least half of the room.
    """
    address = scope.node.addr[-8:]
    room = MAX_LENGTH - len(address) - len("--")
    stack_name, construct_id = _words(outermost_stack(scope).stack_name), _words(scope.node.id)
    of_id = construct_id[: max(room // 2, room - len(stack_name))].rstrip("-")
    of_stack = stack_name[: room - len(of_id)].rstrip("-")
    return "-".join(part for part in (of_stack, of_id, address) if part)


def refuse_second(scope: Construct, name: str) -> None:
    """Refuse a name that another endpoint of the same stage of the app has, for the same account and region.

    `scope` is the construct of the new endpoint. Stages may be deployed to different accounts.

    Raises:
        ValueError: with the construct that has it.
    """
    for other in _in_stage(scope):
        has_it = type(other) is type(scope) and other is not scope and other.endpoint_name == name  # type: ignore[attr-defined]
        if has_it and Stack.of(other).environment == Stack.of(scope).environment:
            raise ValueError(f"endpoint_name must be used once, got {name!r}, which {other.node.path} has already")


def _in_stage(scope: Construct) -> Iterator[IConstruct]:
    stage = Stage.of(scope)
    if stage is not None:
        yield from (other for other in stage.node.find_all() if Stage.of(other) is stage)


def _words(name: str) -> str:
    """Return what a name may have of another: lower-case letters, digits, and single hyphens between them.

    >>> _words("My_Recommender!")
    'my-recommender'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def check_endpoint_name(name: str, *, is_adopted: bool = False) -> None:
    """Refuse a name that SageMaker does not take, or that differs from the endpoint's lower-case ARN.

    `is_adopted`: the endpoint has its name already, which may have upper-case letters.

    Raises:
        ValueError: when the name is a deploy-time token, or not of the allowed form.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
    """
    if Token.is_unresolved(name):
        raise ValueError("endpoint_name must be known at synth, got a deploy-time value")
    if len(name) > MAX_LENGTH or not (_LIVE_NAME if is_adopted else _NAME).fullmatch(name):
        case = "" if is_adopted else "lower-case "
        raise ValueError(
            f"endpoint_name must be 1 to {MAX_LENGTH} {case}letters, digits and single hyphens between them, "
            f"got {name!r} ({len(name)} characters)"
        )
