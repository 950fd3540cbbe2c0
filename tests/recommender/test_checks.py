from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest

from examples.recommender.demo.binomial import acceptance_interval
from examples.recommender.demo.checks import Check, Ending, check, check_rest
from examples.recommender.demo.recording import Recording, seconds_from_alarm_to_weight_zero, step_traffic
from examples.recommender.shop.traffic import Outcome

EXPECTED = {"v2": Ending("PROMOTED"), "v3": Ending("ROLLED_BACK", "error.?rate")}


def exact_interval(trials: int, probability: Fraction, tail: Fraction) -> tuple[int, int]:
    """Do the same sums in fractions, without a rounding error."""
    masses = [comb(trials, k) * probability**k * (1 - probability) ** (trials - k) for k in range(trials + 1)]
    inside = [k for k in range(trials + 1) if sum(masses[: k + 1]) > tail and sum(masses[k:]) > tail]
    return inside[0], inside[-1]


def failures(checks: list[Check]) -> list[str]:
    return [result.claim for result in checks if not result.holds]


@pytest.mark.parametrize("trials", [1, 5, 37, 200])
@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_the_interval_agrees_with_exact_sums(trials: int, percent: int) -> None:
    exact = exact_interval(trials, Fraction(percent, 100), Fraction(1, 2000))
    assert acceptance_interval(trials, percent / 100) == exact


@pytest.mark.parametrize(
    ("trials", "probability", "interval"),
    [(100, 0.5, (34, 66)), (1000, 0.1, (70, 132)), (40, 1.0, (40, 40)), (40, 0.0, (0, 0)), (0, 0.1, (0, 0))],
)
def test_known_intervals(trials: int, probability: float, interval: tuple[int, int]) -> None:
    assert acceptance_interval(trials, probability) == interval


def test_a_wider_confidence_accepts_more() -> None:
    narrow, wide = acceptance_interval(500, 0.1, 0.9), acceptance_interval(500, 0.1, 0.999)
    assert wide[0] < narrow[0] < 50 < narrow[1] < wide[1]


def test_a_demonstration_that_went_well_passes_every_check(recording: Recording) -> None:
    assert failures(check(recording, EXPECTED)) == []


def test_an_unexpected_outcome_fails_with_its_reason(recording: Recording) -> None:
    first, second = recording.rollouts
    promoted = replace(second, outcome="PROMOTED", reason="nobody looked")
    failed = [c for c in check(replace(recording, rollouts=(first, promoted)), EXPECTED) if not c.holds]
    assert [str(c) for c in failed] == [
        'FAILED: the rollout of v3 ends ROLLED_BACK because of "error.?rate" (it ended PROMOTED: nobody looked)'
    ]


def test_a_release_without_a_rollout_fails(recording: Recording) -> None:
    checks = check(replace(recording, rollouts=recording.rollouts[:1]), EXPECTED)
    assert failures(checks) == ['the rollout of v3 ends ROLLED_BACK because of "error.?rate"']


def test_a_rollback_for_another_reason_proves_nothing(recording: Recording) -> None:
    first, second = recording.rollouts
    broken = replace(second, reason="a handler raised KeyError")
    checks = check(replace(recording, rollouts=(first, broken)), EXPECTED)
    assert failures(checks) == ['the rollout of v3 ends ROLLED_BACK because of "error.?rate"']


def test_a_release_that_must_answer_well_may_neither_fail_nor_be_slow(recording: Recording) -> None:
    expected = {"v2": Ending("PROMOTED", answers_well=True)}
    claim = "v2 never fails, and its median latency is close to that of stable"
    slow = [replace(r, latency_ms=40.0) if r.version == "v2" else r for r in recording.requests]
    assert failures(check(replace(recording, requests=slow), expected)) == [claim]
    as_fast = [replace(r, latency_ms=9.0) for r in recording.requests]
    assert failures(check(replace(recording, requests=as_fast), expected)) == []
    during = recording.rollouts[0].started_at + 20
    first = next(n for n, r in enumerate(as_fast) if r.version == "v2" and r.sent_at > during)
    as_fast[first] = replace(as_fast[first], outcome=Outcome.MODEL_ERROR)
    assert failures(check(replace(recording, requests=as_fast), expected)) == [claim]


def test_one_unanswered_request_fails(recording: Recording) -> None:
    lost = replace(recording.requests[0], outcome=Outcome.UNANSWERED, reason="connection refused")
    checks = check(replace(recording, requests=[lost, *recording.requests[1:]]), EXPECTED)
    assert failures(checks) == ["no request goes unanswered"]
    assert "connection refused" in next(c.evidence for c in checks if not c.holds)


def test_a_share_that_chance_does_not_explain_fails(recording: Recording) -> None:
    start, end = (recording.rollouts[0].steps[0].shifted_at, recording.rollouts[0].steps[0].ended_at)
    assert end is not None
    diverted = [
        replace(r, variant="variant-b", version="v2") if start <= r.sent_at <= end and number % 8 == 0 else r
        for number, r in enumerate(recording.requests)
    ]
    assert failures(check(replace(recording, requests=diverted), EXPECTED)) == [
        "v2 gets its 10 % within what chance explains in 99.9 % of cases"
    ]


def test_a_step_that_nobody_saw_fails(recording: Recording) -> None:
    observations = [o for o in recording.observations if o.slots["variant-b"].weight != 50]
    assert failures(check(replace(recording, observations=observations), EXPECTED)) == [
        "v2 gets its 50 % within what chance explains in 99.9 % of cases"
    ]


def test_silence_fails(recording: Recording) -> None:
    start = recording.requests[0].sent_at
    requests = [r for r in recording.requests if not 20 <= r.sent_at - start < 26]
    failed = failures(check(replace(recording, requests=requests), EXPECTED))
    assert failed == ["the service is never silent for 5 s"]


def test_an_endpoint_that_failed_fails(recording: Recording) -> None:
    broken = replace(recording.observations[3], status="Failed")
    checks = check(replace(recording, observations=[*recording.observations, broken]), EXPECTED)
    assert failures(checks) == ["the endpoint serves throughout"]


def test_nothing_recorded_fails_rather_than_passes() -> None:
    empty = Recording(requests=[], observations=[], deploys=[], rollouts=[])
    assert all(not result.holds for result in check(empty, EXPECTED))


def test_requests_around_the_shift_do_not_count_for_the_step(recording: Recording) -> None:
    rollout = recording.rollouts[0]
    late = replace(rollout.steps[0], shifted_at=rollout.steps[0].shifted_at - 20)
    assert step_traffic(late, rollout, recording) == replace(
        step_traffic(rollout.steps[0], rollout, recording), step=late
    )


def test_the_alarm_is_timed_from_its_own_time_stamp_to_the_first_poll_at_zero(recording: Recording) -> None:
    assert seconds_from_alarm_to_weight_zero(recording.rollouts[1], recording) == pytest.approx(2.02)


def test_a_rollout_without_an_alarm_has_no_such_time(recording: Recording) -> None:
    assert seconds_from_alarm_to_weight_zero(recording.rollouts[0], recording) is None


@pytest.mark.parametrize(("second", "rests"), [(399, True), (320, False), (60, False)])
def test_rest_is_all_weight_on_one_slot(recording: Recording, second: int, rests: bool) -> None:  # noqa: FBT001
    observation = recording.observations[2 * second]
    assert check_rest(observation, stable_floor=2, idle_floor=1).holds is rests


@pytest.mark.parametrize(
    ("slot", "floor", "rests"),
    [("variant-a", 2, True), ("variant-a", 0, False), ("variant-b", 1, False), ("variant-b", None, False)],
)
def test_each_slot_has_at_least_the_floor_of_its_role_at_rest(
    recording: Recording,
    slot: str,
    floor: int | None,
    rests: bool,  # noqa: FBT001
) -> None:
    last = recording.observations[-1]
    other = replace(last, slots={**last.slots, slot: replace(last.slots[slot], floor=floor)})
    assert check_rest(other, stable_floor=2, idle_floor=1).holds is rests


def test_an_endpoint_that_nobody_saw_is_not_at_rest() -> None:
    assert not check_rest(None, stable_floor=2, idle_floor=1).holds
