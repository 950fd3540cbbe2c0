"""Every state of the state machine, and how a rollout gets there."""

from dataclasses import dataclass
from enum import Enum

from bench.kills.traps import Moment

HALVES = (50, 100)
AT_ONCE = (100,)


class Course(Enum):
    """What happens to the rollout."""

    HARMLESS = "harmless"
    BUSY = "the endpoint is scaling when it begins"
    ABORTED = "an operator aborts it at its first step"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One execution to be killed."""

    state: str
    moment: Moment = Moment.ENTERED
    visit: int = 1
    steps: tuple[int, ...] = HALVES
    course: Course = Course.HARMLESS

    @property
    def bakes(self) -> int:
        """How many bakes the rollout needs to get there."""
        if self.state in ("Promote", "Promoted"):
            return len(self.steps)
        return 1 if self.visit > 1 or self.state == "NextStep" else 0


ROLLING_OUT = ["Plan", "Prepare", "IsPrepared", "SmokeTest", "ScaleCanary", "HasInstances", "WaitForInstances"]
ROLLING_OUT += ["ShiftTraffic", "HasWeights", "WaitForWeights", "Bake", "Evaluate", "HasPassed"]
ROLLING_BACK = ["RollBack", "IsSafe", "IsPromoted", "RolledBack"]
TASKS = ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "Evaluate"]
RUNNING = Moment.RUNNING

KILLS = [
    *(Kill(state=state) for state in ROLLING_OUT),
    *(Kill(state=state, moment=RUNNING) for state in TASKS),
    Kill(state="WaitForQuiet", course=Course.BUSY),
    *(Kill(state=state, course=Course.ABORTED) for state in ROLLING_BACK),
    Kill(state="RollBack", moment=RUNNING, course=Course.ABORTED),
    Kill(state="NextStep"),
    Kill(state="ShiftTraffic", visit=3),
    Kill(state="ShiftTraffic", visit=3, moment=RUNNING),
    Kill(state="WaitForWeights", visit=2),
    Kill(state="Promote", steps=AT_ONCE),
    Kill(state="Promote", steps=AT_ONCE, moment=RUNNING),
    Kill(state="Promoted", steps=AT_ONCE),
]
"""All but `WaitForRollback`, `NotRestored` and `RollBackDied`, which a rollout reaches only when nothing could be
restored for a quarter of an hour, and for hours."""
