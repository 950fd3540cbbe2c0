"""What happened in a rehearsal, minute by minute and event by event. Times count seconds from the rollout's start."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rollout.contract.lock import Lock
from rollout.contract.names import EVENT_SOURCE

from canary_tools.rehearsal.services.event_bus import Seen
from canary_tools.rehearsal.traffic import Served

ORDERED, REFUSED = " orders ", ": refused: "
"""What is noted of a person's command, and of one that is refused."""


@dataclass
class Minute:
    """One minute of the rollout, by variant. `cohort_percent` of all requests reach the canary whatever its weight."""

    start_s: float
    served: dict[str, Served] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    cohort_percent: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something to tell: `kind` groups happenings of one sort."""

    at_s: float
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """One evaluation: the evidence of each gate against the canary, and its dispersion."""

    at_s: float
    gates: dict[str, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class LockSeen:
    """What the ledger's lock held after somebody had written into it."""

    at_s: float
    lock: Lock


class Observation:
    """The record of one rollout.

    `second`: the present second of the rollout. `zero`: the rollout's start in seconds since the epoch. `seen`: the
    events on the bus.

    Attributes:
        minutes: what each variant answered.
        happenings: what is not on the bus.
        looks: the evaluations.
        locks: the lock of a rollout after each write, also of a later one.
        slot: the slot that holds the release; empty until the rollout begins.
        first_worse_s: when users first met a release that is worse than stable; `None` if they did not.
        last_exposed_s: when the release last got requests; `None` if it got none.
        halted_s: when an alarm or a person ordered exposure to zero; `None` if nobody did.
        instance_seconds, lambda_megabyte_seconds, lambda_requests: what is paid for.
    """

    def __init__(self, *, second: Callable[[], float], zero: Callable[[], float], seen: Sequence[Seen]) -> None:
        self._second = second
        self._zero = zero
        self._seen = seen
        self.minutes: list[Minute] = []
        self.happenings: list[Happening] = []
        self.looks: list[Look] = []
        self.locks: list[LockSeen] = []
        self.slot = ""
        self.first_worse_s: float | None = None
        self.last_exposed_s: float | None = None
        self.halted_s: float | None = None
        self.instance_seconds = 0.0
        self.lambda_megabyte_seconds = 0.0
        self.lambda_requests = 0

    def note(self, kind: str, text: str) -> None:
        """Add a happening of this moment."""
        self.happenings.append(Happening(at_s=self._second(), kind=kind, text=text))

    def of_canary(self) -> Iterator[Served]:
        """Yield what the slot of the canary answered, minute by minute."""
        yield from (minute.served[self.slot] for minute in self.minutes if self.slot in minute.served)

    def of_stable(self) -> Iterator[Served]:
        """Yield what the other slot answered."""
        for minute in self.minutes:
            yield from (served for name, served in minute.served.items() if name != self.slot)

    def bus_happenings(self) -> Iterator[Happening]:
        """Yield the events of alarms, executions and the rollout itself."""
        for seen in self._seen:
            at_s, told = seen.at - self._zero(), _told(seen)
            if at_s >= 0 and told is not None:
                kind, text = told
                yield Happening(at_s=at_s, kind=kind, text=text)


def _told(seen: Seen) -> tuple[str, str] | None:
    """Return the kind and the text of an event; `None` for one that tells nothing."""
    if seen.source == "aws.cloudwatch":
        before, after = seen.detail["previousState"]["value"], seen.detail["state"]["value"]
        return "alarm", f"{seen.detail['alarmName']}: {before} → {after}"
    if seen.source == "aws.states":
        return "execution", f"execution {seen.detail['status']}"
    if seen.source == EVENT_SOURCE:
        reason, text = seen.detail.get("reason", ""), seen.detail_type.removeprefix("Canary ")
        return "rollout", f"{text}: {reason}" if reason else text
    return None
