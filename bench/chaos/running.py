"""Rehearse many scenarios in a few processes of low priority."""

import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chaos.orders_kept import not_kept
from canary_tools.rehearsal.record.observation import ORDERED, REFUSED
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

Scenario = Mapping[str, Any]
LEAVES_THE_MACHINE_TO_OTHERS = 10
SHORT, COHORT, PACED, HELD, APPROVED = "short", "cohort", "paced", "held", "approved"
PLANS = {name: Path(__file__).with_name(f"{name}_plan.py") for name in (SHORT, COHORT, PACED, HELD, APPROVED)}
_log = logging.getLogger(__name__)
ENDS = ("Rollout Rolled Back", "Rollout Promoted", "Rollout Not Judged")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one scenario ended. Times are in seconds; `None` when the event was not seen.

    `harmed`: requests that were worse served because of the rollout. `harmed_at_stable`: those of them that the release
    before answered. `commands`: of people; `refused`: those of them that were refused, or met a fault.
    """

    name: str
    scenario: Scenario
    outcome: str
    reason: str
    unsafe: tuple[str, ...]
    seconds_to_weight_zero: float | None = None
    seconds_to_safe_end: float | None = None
    harmed: int = 0
    harmed_at_stable: int = 0
    commands: int = 0
    refused: int = 0


def synthesise(folder: Path, plan: str = SHORT) -> Path:
    """Synthesise one of the plans and return its template."""
    script = PLANS[plan]
    environment = {**os.environ, "CDK_OUTDIR": str(folder)}
    subprocess.run([sys.executable, str(script)], env=environment, check=True)  # noqa: S603  # our own script
    return next(folder.glob("*.template.json"))


def run_one(declared: DeclaredEndpoint, name: str, scenario: Scenario) -> Ended:
    """Rehearse one scenario. When the rehearsal itself breaks, this scenario counts as unsafe and the study goes on."""
    try:
        rehearsed = rehearse(declared, parse_scenario(scenario))
        orders = not_kept(rehearsed)
    except Exception as error:  # noqa: BLE001  # whatever it is, the others go on
        _log.exception("%s broke", name)
        broken = f"the rehearsal broke: {type(error).__name__}: {error}"
        return Ended(name=name, scenario=scenario, outcome="BROKEN", reason=str(error), unsafe=(broken,))
    result = rehearsed.result
    return Ended(
        name=name,
        scenario=scenario,
        outcome=result["outcome"],
        reason=result["reason"],
        unsafe=(*result["unsafe"], *orders),
        commands=sum(ORDERED in happening.text for happening in rehearsed.observation.happenings),
        refused=sum(REFUSED in happening.text for happening in rehearsed.observation.happenings),
        seconds_to_weight_zero=result["seconds_to_weight_zero"],
        seconds_to_safe_end=seconds_to_safe_end(rehearsed),
        harmed=result["bad_requests_caused"],
        harmed_at_stable=result["bad_requests_caused_at_stable"],
    )


def seconds_to_safe_end(rehearsed: Rehearsed) -> float | None:
    """Return the seconds from the first order to end the rollout, or its execution's end, to the notice of its end.

    `None` when a fault lost the notice.
    """
    told = [*rehearsed.observation.happenings, *rehearsed.observation.bus_happenings()]
    ends = [happening.at_s for happening in told if happening.kind == "rollout" and happening.text.startswith(ENDS)]
    begins = [
        happening.at_s
        for happening in told
        if happening.kind == "halt" or (happening.kind == "execution" and not happening.text.endswith("RUNNING"))
    ]
    return max(max(ends) - min(begins), 0.0) if ends and begins else None


def run_all(scenarios: Iterable[tuple[str, Scenario]], *, template: Path | None, processes: int) -> Iterator[Ended]:
    """Rehearse the scenarios in this many processes of low priority; yield each end at once."""
    with tempfile.TemporaryDirectory() as folder:
        path = template or synthesise(Path(folder))
        spawning = multiprocessing.get_context("spawn")
        with spawning.Pool(processes, initializer=_begin, initargs=(path,)) as pool:
            yield from pool.imap_unordered(_run, scenarios)


_declared: list[DeclaredEndpoint] = []


def _begin(template: Path) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, LEAVES_THE_MACHINE_TO_OTHERS)
    logging.disable()  # the handlers log every fault
    _declared.append(find_endpoint(template, None))


def _run(named: tuple[str, Scenario]) -> Ended:
    return run_one(_declared[0], *named)
