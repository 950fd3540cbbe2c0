"""What the longest paced rollout carries from task to task, against what Step Functions takes."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from rollout.contract.exposure import Exposure, Fleet, GateSums, Pacing
from rollout.contract.plan import Plan
from rollout.contract.states import StepState
from rollout.contract.timing import METRICS_SETTLED_SECONDS, MOST_CHANGES
from rollout.decisions.pacing import MOST_BRAKES
from rollout.gates import Judge, Minute, Verdict

from tests.lambdas.fakes.aws import START
from tests.lambdas.fakes.settings import ERRORS, PACED, plan

MOST_BYTES = 256 * 1024
"""Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
A_PART = 16
"""Of those bytes is enough: the rest is for payloads of smoke tests and for many alarms."""
SHORTEST_PERIOD = 10
FIRST_PERIOD = int(START) // SHORTEST_PERIOD
PERIODS = 500
"""Of 10 seconds: more than an hour. After that the state of the gates grows no more, see below."""
GROWTHS = 16
"""How often a fleet grows by a quarter from 1 to 100 instances, see test_fleet."""
SHARES = 1 + MOST_CHANGES + MOST_BRAKES + len(PACED) - 1
"""Raises are counted, brakes end the rollout, and each further step may begin with a share of its own."""
SALES = {"kind": "share", "event": "bought", "direction": "lower_is_worse", "ratio": 0.95, "delay": 5}
GATES: tuple[dict[str, Any], ...] = tuple(
    {**ERRORS, "name": name, "alpha_share": 0.25, **changes}
    for name, changes in (("errors", {}), ("refused-requests", {}), ("slow-requests", {}), ("sales", SALES))
)


@pytest.fixture(scope="module")
def paced() -> Plan:
    gates = {"judge": {"gates": list(GATES)}, "sources": {gate["name"]: {"source": "errors"} for gate in GATES}}
    return Plan.parse({**plan(steps=PACED), "harm_budget": 100, "gates": gates})


@pytest.fixture(scope="module")
def judged(paced: Plan) -> dict[str, Any]:
    """The state of four gates after an hour of requests by the million, with outages of both."""
    judge, draw = Judge(paced.gates.judge), Random(1)  # noqa: S311 - not for cryptography
    state = judge.new_state()
    for number in range(FIRST_PERIOD, FIRST_PERIOD + PERIODS):
        bad = {gate["name"]: draw.choice([50_000, 51_234, 250_000]) for gate in GATES}
        counts = {
            name: {
                "canary_total": 1_000_003,
                "canary_bad": of + draw.randint(-200, 200),
                "stable_total": 1_000_033,
                "stable_bad": of,
            }
            for name, of in bad.items()
        }
        state, now = judge.update(
            state, [Minute(number, 0, counts, invocations=(1_000_003, 1_000_033), share=0.5)], step=0
        )
        assert now.verdict is not Verdict.FAIL, now.reason
    return state


def exposure() -> Exposure:
    """Return what is known of the shares when no further one is possible."""
    sums = GateSums(
        requests=10**12,
        bad=10**11,
        expected=123456789012.345,
        ratio=-29.123,
        margin=-28.123,
        rise=12.345,
        total=-12.345,
    )
    pacing = Pacing(
        since=FIRST_PERIOD, last=FIRST_PERIOD + PERIODS, clean=47.53, here=FIRST_PERIOD, busiest=1e9,
        brakes=MOST_BRAKES, is_low=True, gates={gate["name"]: sums for gate in GATES},
    )  # fmt: skip
    known = Exposure()
    for number in range(SHARES):
        changed = FIRST_PERIOD + 10 * number
        known = known.choose(47.53 + number % 2).in_force(changes_from=changed, whole_from=changed + 3)
    fleet = Fleet(
        100, FIRST_PERIOD + PERIODS, tuple((FIRST_PERIOD + at, FIRST_PERIOD + at + 1) for at in range(GROWTHS))
    )
    return replace(known, pacing=pacing, waited_seconds=12345.678901234567, fleet=fleet)


@pytest.fixture(scope="module")
def state(paced: Plan, judged: dict[str, Any]) -> dict[str, Any]:
    """All that the state machine carries."""
    periods = METRICS_SETTLED_SECONDS // SHORTEST_PERIOD
    step = StepState(
        index=3, exposure=exposure(), began_at=START + 0.123456, scaling_since=START + 0.1, scaling_began=START + 0.1,
        shift_requested_at=START + 0.1, shifted_at=START + 0.1, requests=10**12, judged=judged,
        looked={str(FIRST_PERIOD + number): 2**64 for number in range(periods)},
        missing={gate["name"]: {"stable": PERIODS, "the canary": PERIODS} for gate in GATES},
    )  # fmt: skip
    return {"plan": paced.to_json(), "rollout": {"version": "v" * 64}, "step": step.to_json(), "end": {"tries": 0}}


def test_a_rollout_knows_every_share_that_it_had() -> None:
    assert exposure().number == SHARES - 1
    assert len(exposure().served) == 2 * SHARES


@pytest.mark.parametrize(
    ("part", "most_bytes"), [("judged", 6000), ("exposure", 4000), ("looked", 4000)], ids=["gates", "shares", "periods"]
)
def test_each_part_of_a_step_has_its_bound(state: dict[str, Any], part: str, most_bytes: int) -> None:
    size = len(json.dumps(state["step"][part]))
    assert most_bytes / 4 < size < most_bytes


def test_the_whole_state_is_a_small_part_of_what_step_functions_takes(state: dict[str, Any]) -> None:
    assert len(json.dumps(state)) < MOST_BYTES / A_PART


def test_the_state_of_the_gates_does_not_grow_with_the_rollout(paced: Plan, judged: dict[str, Any]) -> None:
    judge = Judge(paced.gates.judge)
    assert len(json.dumps(judged)) < 5 * len(json.dumps(judge.new_state()))
