"""Checks a text against what AWS takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Token

if TYPE_CHECKING:
    from re import Pattern


def check_text(title: str, text: str, pattern: Pattern[str], allowed: str, *, why: str = "") -> None:
    """Refuse a text of another pattern. One that is known at deploy time only is left to the deploy.

    Args:
        title: what the caller gave it for
        text: what the caller gave
        pattern: of all of the text
        allowed: the same in words, beginning with the verb; it follows "must"
        why: what follows what was given

    Raises:
        ValueError: with all of these.

    >>> import re
    >>> check_text("region", "Frankfurt", re.compile(r"[a-z]+-[a-z]+-[0-9]"), "be one such as eu-central-1")
    Traceback (most recent call last):
    ValueError: region must be one such as eu-central-1, got 'Frankfurt'
    """
    if not Token.is_unresolved(text) and not pattern.fullmatch(text):
        raise ValueError(f"{title} must {allowed}, got {text!r}{why}")
