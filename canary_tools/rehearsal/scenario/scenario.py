"""The scenario of a rehearsal: traffic, how both releases behave, and what goes wrong. See docs/rehearsal.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from canary_tools.aws_models.sagemaker.metric_delays import USUAL
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.rehearsal.scenario.metric_delays import MetricDelays

METRIC_DELAYS = MetricDelays(stable=USUAL, canary=USUAL)
"""Unless the scenario says otherwise: each point of each metric has a delay of its own."""
LAUNCH_SECONDS = 240.0
"""How long a new instance needs until it serves, unless the scenario says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests a second on average, the relative height of the daily curve, and variance over Poisson's."""

    rps: float
    daily_amplitude: float = 0.0
    burst: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the model of one variant answers; latencies in milliseconds, rates between 0 and 1.

    `error_rate`: answers with 500. `refused_rate`: answers with 400. Both are parts of all requests.
    """

    error_rate: float = 0.001
    refused_rate: float = 0.0
    p50: float = 40.0
    p99: float = 180.0
    conversion_rate: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Change:
    """Other behaviour from `at_s` on, for `for_s` seconds or until the end of the rehearsal."""

    at_s: float
    for_s: float | None
    who: str
    values: Mapping[str, float]

    def applies(self, second: float, who: str) -> bool:
        """Tell whether this changes the behaviour of the canary or of stable at this second."""
        ends = self.at_s + self.for_s if self.for_s is not None else float("inf")
        return self.who in {who, "both"} and self.at_s <= second < ends


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Metric periods of one release or of both that are never published; from and to in seconds of the rollout.

    `metric`: the only metric that is missing; empty for all.
    """

    from_s: float
    to_s: float
    who: str = "both"
    metric: str = ""

    def holds(self, second: float, who: str, metric: str) -> bool:
        """Tell whether a metric of the canary or of stable is missing in the period that begins at this second."""
        return self.who in {who, "both"} and self.metric in {metric, ""} and self.from_s <= second < self.to_s


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A call that fails for some time, each time with this probability."""

    at_s: float
    for_s: float
    call: str
    error: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Control:
    """Something that a person or another system does at a moment. `by`: whose command it is, and `why`."""

    at_s: float
    do: str
    weights: Mapping[str, float] = field(default_factory=dict)
    alarm: str = ""
    who: str = "both"
    by: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Everything that happens around a rollout. Times in seconds from its start.

    `deployed_at`: when the release is deployed, in seconds since the epoch; `None`: on a Friday at 8 o'clock, UTC, as
    soon as users have come for a while.
    """

    seed: int = 0
    deployed_at: float | None = None
    traffic: Traffic
    stable: Behaviour = Behaviour()
    canary: Behaviour = Behaviour()
    changes: tuple[Change, ...] = ()
    metric_delays: MetricDelays = METRIC_DELAYS
    missing: tuple[Missing, ...] = ()
    launch_s: float = LAUNCH_SECONDS
    max_rps_per_instance: float | None = None
    faults: tuple[Fault, ...] = ()
    controls: tuple[Control, ...] = ()
    undocumented: Undocumented = Undocumented()  # noqa: RUF009 - frozen


def behaviour_at(scenario: Scenario, who: str, second: float) -> Behaviour:
    """Return how the canary or stable behaves at a second of the rollout.

    >>> failing = Change(at_s=60, for_s=60, who="canary", values={"error_rate": 0.5})
    >>> scenario = Scenario(traffic=Traffic(rps=1), changes=(failing,))
    >>> [behaviour_at(scenario, "canary", second).error_rate for second in (59, 60, 120)]
    [0.001, 0.5, 0.001]
    """
    behaviour = scenario.canary if who == "canary" else scenario.stable
    for change in scenario.changes:
        if change.applies(second, who):
            behaviour = replace(behaviour, **change.values)
    return behaviour
