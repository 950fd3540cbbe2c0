"""Takes over what a live account answered to `canary_tools.acceptance`."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.sandbox.emulator.settings import SandboxSettings

_SWITCHES = frozenset(field.name for field in fields(Undocumented))


def answered(local_aws: Mapping[str, Any], settings: SandboxSettings = SandboxSettings()) -> SandboxSettings:  # noqa: B008 - frozen
    """Return the settings with the answers in them; `local_aws` is the member of that name of the written JSON.

    Raises:
        ValueError: a switch has no such position.
        TypeError: there is no such setting.
    """
    switches = {name: value for name, value in local_aws.items() if name in _SWITCHES}
    others = {name: value for name, value in local_aws.items() if name not in _SWITCHES}
    return replace(settings, undocumented=Undocumented.parse(switches), **others)
