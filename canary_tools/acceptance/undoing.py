"""What has to be removed in the end, in the order in which it was made, the last first."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError


class Undoing:
    """A list of removals that are all tried, whatever happens to the others."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], object]]] = []

    def add(self, what: str, remove: Callable[[], object]) -> None:
        """Remove this in the end; `remove` may find it gone already."""
        self._steps.append((what, remove))

    def run(self) -> list[str]:
        """Remove everything; return a sentence for each thing that could not be removed."""
        failures = []
        while self._steps:
            what, remove = self._steps.pop()
            try:
                remove()
            except (ClientError, BotoCoreError, TimeoutError) as error:
                failures.append(f"{what}: {error}")
        return failures
