"""The state is a small JSON value, and how often one looks changes nothing."""

import json
import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout.gates import Counts, InvalidMinutesError, Judge, Minute
from rollout.gates.capital import Capital
from rollout.gates.minutes import new_in_order
from rollout.gates.progress import Progress

from tests.gates.rollouts import judge, minutes

TWO_GATES = {
    "gates": [
        {"name": "errors", "ratio": 1.25, "min_difference": 0.0005, "alpha_share": 0.6},
        {"name": "slow", "kind": "share", "ratio": 1.5, "alpha_share": 0.4, "warm_up": 2},
    ]
}


def noisy_rollout(seed: int, length: int = 24) -> list[Minute]:
    """Return a rollout of three steps whose last one is bad."""
    source = random.Random(seed)  # noqa: S311  # seeded counts
    rollout = []
    for number in range(length):
        step = number * 3 // length
        total = (100, 500, 1000)[step]
        worse = 1 + 2 * (step == 2)
        errors = Counts(total, source.randint(0, 3) * worse, 2000 - total, source.randint(3, 9))
        slow = Counts(total, source.randint(5, 9) * total // 100, 2000 - total, source.randint(50, 90))
        invocations, share = (total, 2000 - total), (0.05, 0.25, 0.5)[step]
        rollout.append(Minute(number, step, {"errors": errors, "slow": slow}, invocations, share))
    return rollout


@pytest.mark.parametrize("seed", range(5))
def test_a_json_round_trip_at_every_minute_changes_nothing(seed: int) -> None:
    rules = Judge.from_config(TWO_GATES)
    kept = rules.new_state()
    stored = rules.new_state()
    for minute in noisy_rollout(seed):
        kept, assessment = rules.update(kept, [minute])
        stored, same = rules.update(json.loads(json.dumps(stored, allow_nan=False)), [minute])
        assert stored == kept
        assert same == assessment


@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 24), max_size=4))
@settings(max_examples=25, deadline=None)
def test_batches_and_their_order_change_nothing(seed: int, cuts: list[int]) -> None:
    rules = Judge.from_config(TWO_GATES)
    rollout = noisy_rollout(seed)
    whole, assessment = rules.update(rules.new_state(), rollout)
    state = rules.new_state()
    edges = [0, *sorted(cuts), len(rollout)]
    for start, end in pairwise(edges):
        batch = rollout[start:end]
        random.Random(seed).shuffle(batch)  # noqa: S311  # a seeded order
        state, last = rules.update(state, batch)
    assert state == whole
    assert last == assessment


def test_the_given_state_is_not_changed() -> None:
    rules = judge()
    state = rules.new_state()
    before = json.dumps(state)
    rules.update(state, minutes(3, Counts(300, 3, 5700, 6)))
    assert json.dumps(state) == before


@pytest.mark.parametrize("mode", ["robust", "exact"])
def test_a_gate_remembers_less_than_300_bytes_after_a_day(mode: str) -> None:
    rules = judge(mode=mode, min_difference=0.0005)
    source = random.Random(1)  # noqa: S311  # seeded counts
    state = rules.new_state()
    rollout = [
        Minute(n, 0, {"errors": Counts(300, source.randint(0, 1), 5700, source.randint(3, 9))}) for n in range(1440)
    ]
    state, _ = rules.update(state, rollout)
    assert len(json.dumps(state["gates"]["errors"], separators=(",", ":"))) < 300


@pytest.mark.parametrize("kind", ["rare", "share"])
@pytest.mark.parametrize("mode", ["robust", "exact"])
@pytest.mark.parametrize("canary_bad", [0, 10**6, 10**12])
def test_counts_to_a_trillion_stay_finite(kind: str, mode: str, canary_bad: int) -> None:
    rules = judge(kind=kind, mode=mode)
    huge = Counts(10**12, canary_bad, 10**12, 10**6)
    state, assessment = rules.update(rules.new_state(), minutes(5, huge))
    json.dumps(state, allow_nan=False)
    assert math.isfinite(assessment.gates[0].log_evidence)
    assert (assessment.verdict == "FAIL") == (canary_bad == 10**12)


@pytest.mark.parametrize("kind", ["rare", "share"])
@pytest.mark.parametrize("counts", [Counts(0, 0, 600, 30), Counts(600, 30, 0, 0), Counts(0, 0, 0, 0)])
def test_a_minute_without_traffic_on_a_side_is_no_evidence(kind: str, counts: Counts) -> None:
    rules = judge(kind=kind)
    state, before = rules.update(rules.new_state(), minutes(2, Counts(300, 3, 300, 3)))
    _, after = rules.update(state, minutes(5, counts, start=2))
    assert after.gates[0].log_evidence == pytest.approx(before.gates[0].log_evidence, abs=1e-3)


def test_a_minute_may_come_only_once_in_a_batch() -> None:
    rules = judge()
    with pytest.raises(InvalidMinutesError, match="minute 0 comes twice"):
        rules.update(rules.new_state(), [*minutes(1, Counts(1, 0, 1, 0)), *minutes(1, Counts(1, 1, 1, 0))])


def test_a_step_that_is_over_does_not_come_back() -> None:
    rules = judge()
    with pytest.raises(InvalidMinutesError, match="minute 1 belongs to step 0, but step 1 has begun"):
        rules.update(rules.new_state(), [Minute(0, 1, {}), Minute(1, 0, {})])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_counts_are_judged(rows: list[tuple[int, int, int, int]]) -> None:
    rules = Judge.from_config(TWO_GATES)
    rollout = []
    for number, (a, b, c, d) in enumerate(rows):
        counts = Counts(a + b, a, c + d, c)
        rollout.append(Minute(number, number // 4, {"errors": counts, "slow": counts}, (a + b, c + d), 0.3))
    state, assessment = rules.update(rules.new_state(), rollout)
    json.dumps(state, allow_nan=False)
    assert assessment.reason


def test_the_progress_of_a_rollout_is_read_as_it_was_written() -> None:
    rules = judge().rules
    start = Progress.start(rules)
    assert start.rules is rules
    assert (start.passed, start.share, start.even) == (None, None, None)
    full = replace(
        start, last=9, step=2, began=5, failed="errors", passed=7, traffic=Capital((-1.0, -2.0, -3.0), -0.5),
        traffic_seen=(60, 540, 0.1), share=0.2, even=8,
    )  # fmt: skip
    for progress in (start, full):
        assert Progress.from_json(rules, json.loads(json.dumps(progress.to_json()))) == progress


@pytest.mark.parametrize(("invocations", "share"), [((600, 5400), None), (None, 0.1)])
def test_a_minute_that_lacks_its_requests_or_its_share_is_counted_all_the_same(
    invocations: tuple[int, int] | None, share: float | None
) -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), [Minute(0, 0, {"errors": Counts(600, 1, 5400, 5)}, invocations, share)])
    assert state["gates"]["errors"]["seen"] == [600, 1, 5400, 5]
    assert state["seen"] is None


def test_two_minutes_are_equal_by_what_was_counted() -> None:
    assert Minute(0, 0, {}) == Minute(0, 0, {}, None, None, skipped=["minute 0 skipped"])


def test_every_minute_that_was_skipped_is_named() -> None:
    rules = judge()
    skipped = [Minute(number, 0, {}, skipped=[f"minute {number} skipped"]) for number in (0, 1)]
    assert rules.update(rules.new_state(), skipped)[1].skipped == ("minute 0 skipped", "minute 1 skipped")


def test_minutes_that_were_used_before_change_nothing() -> None:
    rules, used = judge(), minutes(3, Counts(600, 1, 5400, 5))
    state, _ = rules.update(rules.new_state(), used)
    for again in (used, used[-1:]):
        assert rules.update(state, again)[0] == state


def test_a_share_may_have_fallen_from_nothing() -> None:
    fell = Minute(0, 0, {"errors": Counts(0, 0, 5400, 5)}, fell_from=0.0)
    assert new_in_order([fell], None, 0) == [fell]


def test_a_minute_has_all_the_traffic_by_its_own_share() -> None:
    rules = judge()
    minute = Minute(0, 0, {"errors": Counts(600, 1, 0, 0)}, (600, 0), 1.0)
    state, _ = rules.update(rules.new_state(), [minute])
    assert state["gates"]["errors"]["step"][0] == 1


def test_a_gate_is_as_old_as_its_step_in_the_newest_minute() -> None:
    progress = Progress.start(judge().rules)
    assert [gate.age for gate, _ in progress.gates] == [0]
    for number in (5, 7):
        progress.add(Minute(number, 0, {"errors": Counts(600, 1, 5400, 5)}))
    assert [(gate.age, gate.even) for gate, _ in progress.gates] == [(2, 2)]
