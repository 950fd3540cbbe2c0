"""What a question may look at: the account, the stack, its endpoint, and what was seen so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rollout.contract.names import SLOTS, other_slot

from canary_tools.acceptance.account import Account
from canary_tools.acceptance.endpoint_watch import QUIET, EndpointReader, EndpointWatch, Look
from canary_tools.acceptance.metric_watch import MetricReader, MetricWatch
from canary_tools.acceptance.stack import Deploy, Stack
from canary_tools.acceptance.traffic import Visitors
from canary_tools.acceptance.undoing import Undoing
from canary_tools.acceptance.waiting import wait_for

Found = TypeVar("Found")


class NotAsked(Exception):
    """A question could not be asked; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One run.

    Attributes:
        undoing: takes what removes a thing that a question made.
        moments: seconds since the epoch, by the name that the walk gave them.
        deploys: what came of each deploy, by the version that was declared.
    """

    account: Account
    stack: Stack
    endpoint_name: str
    endpoint: EndpointReader
    watch: EndpointWatch
    metrics: MetricReader
    metric_watch: MetricWatch
    visitors: Visitors
    undoing: Undoing
    moments: dict[str, float] = field(default_factory=dict)
    deploys: dict[str, Deploy] = field(default_factory=dict)
    _results: dict[Any, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client of the account."""
        return self.account.make_client(service)

    def once(self, experiment: "Callable[[Scene], Found]") -> Found:
        """Return what an experiment shows, which is made once.

        Raises:
            NotAsked: it failed when it was made.
        """
        if experiment not in self._results:
            self._results[experiment] = _outcome_of(experiment, self)
        result = self._results[experiment]
        if isinstance(result, NotAsked):
            raise result
        found: Found = result
        return found

    def moment(self, name: str) -> float:
        """Return when the walk came to something.

        Raises:
            NotAsked: it never did.
        """
        if name not in self.moments:
            raise NotAsked(f"the walk did not come to this: {name}")
        return self.moments[name]

    def wait_for_look(self, what: str, holds: Callable[[Look], bool]) -> Look:
        """Wait until a look at the endpoint meets a condition, and return it.

        Raises:
            TimeoutError: none did for as long as an update may take.
        """

        def look() -> Look | None:
            found = self.endpoint.look()
            return found if holds(found) else None

        pace = self.account.pace
        return wait_for(look, what=what, seconds=pace.update, look_again=pace.look_again)

    def quiet(self) -> Look:
        """Wait until SageMaker takes a change, and return the look then.

        Raises:
            TimeoutError: as `wait_for_look`.
        """
        return self.wait_for_look("an endpoint at rest", lambda look: look.status == QUIET and not look.pending)

    def stable_slot(self) -> str:
        """Return the variant that has most of the weight."""
        weights = self.endpoint.look().weights
        return max(SLOTS, key=lambda slot: weights.get(slot, 0.0))

    def idle_slot(self) -> str:
        """Return the other variant."""
        return other_slot(self.stable_slot())


def _outcome_of(experiment: "Callable[[Scene], Found]", scene: Scene) -> "Found | NotAsked":
    try:
        return experiment(scene)
    except NotAsked as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is that there is none
        return NotAsked(f"{type(error).__name__}: {error}")
