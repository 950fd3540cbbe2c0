"""A live endpoint that the construct takes over, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from canary_construct.border import checked
from canary_construct.border.texts import check_text
from canary_construct.props.model_release import check_version
from canary_construct.props.slot import Slot

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@checked()
@dataclass(frozen=True, kw_only=True)
class Adoption:
    """A live endpoint that was made elsewhere. `docs/adopt.md` says the whole way.

    Args:
        endpoint_config_name: of the endpoint config that the endpoint is on
        variant: its only production variant; left out, `AllTraffic`, as SageMaker's Python SDK names it
        version: the version label of the live model in the records of rollouts; left out, `legacy`

    Raises:
        ValueError: when a name is none, `variant` has the name of a slot, or `version` cannot name a release.

    Source: https://github.com/aws/sagemaker-python-sdk/issues/1122
    """

    endpoint_config_name: str
    variant: str = "AllTraffic"
    version: str = "legacy"

    def __post_init__(self) -> None:
        check_version(self.version)
        for name in ("endpoint_config_name", "variant"):
            allowed = "be its name, of 1 to 63 letters, digits and hyphens between them"
            check_text(f"{name} of an adopted endpoint", getattr(self, name), _NAME, allowed)
        if self.variant in {slot.value for slot in Slot}:
            raise ValueError(
                f"variant of an adopted endpoint must be none of the construct's own, got {self.variant!r}"
            )
