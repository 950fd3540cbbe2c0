"""The rows of the tables: one healthy and one failing release in the same world."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollout.contract.names import PROMOTED, ROLLED_BACK

from canary_tools.aws_models.undocumented import other_positions
from canary_tools.rehearsal.record.rehearsed import Result
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint

FAILING = 0.15
WORLD: Mapping[str, Any] = {"seed": 7, "traffic": {"rps": 40}, "capacity": {"launch_s": 120}}
DELAYS: Mapping[str, Any] = {
    **{f"{seconds} s": seconds for seconds in (30, 60, 120, 180, 240, 300, 600)},
    "30 to 180 s": [30, 180],
    "canary 30 s, stable 240 s": {"canary": 30, "stable": 240},
    "canary 240 s, stable 30 s": {"canary": 240, "stable": 30},
    "canary 120 to 300 s, stable 30 to 180 s": {"canary": [120, 300], "stable": [30, 180]},
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """How a healthy release and a failing one ended."""

    name: str
    period_seconds: int
    healthy: Result
    failing: Result

    @property
    def right(self) -> bool:
        """Whether the healthy one was promoted and the failing one rolled back, and both ends are safe."""
        outcomes = (self.healthy["outcome"], self.failing["outcome"])
        return outcomes == (PROMOTED, ROLLED_BACK) and self.healthy["safe_end"] and self.failing["safe_end"]

    def __str__(self) -> str:
        cells = [self.name, f"{self.period_seconds} s", *_cells(self.healthy), *_cells(self.failing)]
        return f"| {' | '.join(cells)} |"


def delays(declared: DeclaredEndpoint) -> Iterator[Row]:
    """Yield a row for each delay of metrics."""
    for name, delay in DELAYS.items():
        yield _row(name, declared, {"metrics": {"delay_s": delay}})


def switches(declared: DeclaredEndpoint) -> Iterator[Row]:
    """Yield a row for the usual positions, and one for each other position of each switch."""
    yield _row("all as usual", declared, {})
    for name, positions in other_positions():
        yield _row(f"`{name}`: {positions[name]}", declared, {"undocumented": positions})


def _row(name: str, declared: DeclaredEndpoint, changed: Mapping[str, Any]) -> Row:
    return Row(
        name=name,
        period_seconds=declared.plan.settings.metric_period_seconds,
        healthy=_result(declared, {**WORLD, **changed}),
        failing=_result(declared, {**WORLD, **changed, "canary": {"error_rate": FAILING}}),
    )


def _result(declared: DeclaredEndpoint, scenario: Mapping[str, Any]) -> Result:
    return rehearse(declared, parse_scenario(scenario)).result


def _cells(result: Result) -> tuple[str, str]:
    end = result["outcome"].lower().replace("_", " ")
    unsafe = "" if result["safe_end"] else ", not safe"
    return f"{end} after {result['seconds'] / 60:.0f} min{unsafe}", f"{result['bad_requests_caused']:,}"
