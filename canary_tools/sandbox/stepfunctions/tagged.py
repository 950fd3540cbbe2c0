"""The tagging API finds state machines by their tags.

Gap it fills: ministack's `GetResources` does not know Step Functions, which AWS lists among its services. Source:
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
"""

import importlib
from collections.abc import Iterator

from canary_tools.sandbox.emulator.patching import Patches

SERVICE = "states"


def install(*, patches: Patches) -> None:
    """Let `GetResources` find state machines."""
    states = importlib.import_module("ministack.services.stepfunctions")
    tagging = importlib.import_module("ministack.services.tagging")

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, tags in list(states._tags.items()):  # noqa: SLF001 - its state
            yield arn, [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]

    patches.item(tagging._COLLECTORS, SERVICE, collect)  # noqa: SLF001 - its table of services
