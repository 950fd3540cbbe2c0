"""Finds values that CloudFormation knows when it deploys, and nobody before."""

from __future__ import annotations

import sys

from aws_cdk import Duration, IResolvable, Size, Token


def is_deploy_time(value: object) -> bool:
    """Tell whether a number, a duration or a size is one; a text may be without harm.

    The CDK is asked about finite numbers only: its process ends when it is sent another one.
    """
    if isinstance(value, Duration | Size):
        return bool(value.is_unresolved())
    if isinstance(value, int | float):
        return abs(value) <= sys.float_info.max and not isinstance(value, bool) and bool(Token.is_unresolved(value))
    return has_members(value, IResolvable)


def has_members(value: object, interface: type) -> bool:
    """Tell whether a value implements an interface of the CDK, which no `isinstance` knows.

    No member is read: that would call the CDK. What the CDK knows by its interfaces only holds one object for each.
    """
    holders = [type(each) for each in (value, *getattr(value, "_delegates", ()))]
    members = [name for name in dir(interface) if not name.startswith("_")]
    return all(any(hasattr(holder, name) for holder in holders) for name in members)
