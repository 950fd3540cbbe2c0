"""The stack that CloudFormation deploys, around its nested stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack

if TYPE_CHECKING:
    from constructs import IConstruct


def outermost_stack(scope: IConstruct) -> Stack:
    """Return the stack that is deployed; nested stacks settle with it."""
    stack = Stack.of(scope)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack
