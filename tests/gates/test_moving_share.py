"""The canary's share moves within a step, as evidence allows: what the judge must forget then, and what it must not."""

import json
import math
from collections.abc import Callable, Iterable

import pytest
from rollout.gates import Assessment, Counts, Judge, Minute
from rollout.gates.gate import Gate
from rollout.gates.split import Split

from tests.gates.rollouts import judge

REQUESTS = 6000
RAMP = (0.02, 0.1, 0.5)
DWELL = 3


def breaks(claim: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        claim()


def judged(rules: Judge, rollout: Iterable[Minute]) -> Assessment:
    return rules.update(rules.new_state(), rollout)[1]


def a_minute(
    number: int, share: float, *, bad: int = 60, counted: float = 1.0, shown_at: float | None = None, step: int = 0
) -> Minute:
    """Return a minute of two equal releases; `counted`: the part of the requests that the gate counts.

    `shown_at`: the share under which what the gate counts was shown.
    """
    canary, of_both = round(REQUESTS * share), round(REQUESTS * counted)
    of_gate = round(of_both * (share if shown_at is None else shown_at))
    canary_bad = round(bad * of_gate / of_both)
    counts = {"errors": Counts(of_gate, canary_bad, of_both - of_gate, bad - canary_bad)}
    return Minute(number, step, counts, (canary, REQUESTS - canary), share)


def ramp(**of_minute: float) -> list[Minute]:
    """Return three minutes at each share, and nine more at the last."""
    shares = [share for share in RAMP for _ in range(DWELL)] + [RAMP[-1]] * 9
    return [a_minute(number, share, **of_minute) for number, share in enumerate(shares)]  # type: ignore[arg-type]


def a_share_that_moves_is_no_noise() -> None:
    assert judged(judge(), ramp()).gates[0].dispersion == 1.0


def test_a_healthy_canarys_share_may_jump_within_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    a_share_that_moves_is_no_noise()
    monkeypatch.setattr(Gate, "at_new_share", lambda _self, state: state)
    breaks(a_share_that_moves_is_no_noise)


def test_noise_that_was_seen_before_a_raise_is_remembered() -> None:
    noisy = [Minute(n, 0, {"errors": Counts(600, 30 * (n % 2), 5400, 30)}, (600, 5400), 0.1) for n in range(12)]
    rules = judge()
    state, before = rules.update(rules.new_state(), noisy)
    _, after = rules.update(state, [a_minute(12, 0.5)])
    assert before.gates[0].dispersion == after.gates[0].dispersion > 1.5


def the_split_check_takes_no_raise_for_noise() -> None:
    state, _ = judge().update(judge().new_state(), ramp(counted=0.9))
    _, (excess, *_), _ = state["gates"]["errors"]["split"]
    assert excess == pytest.approx(0.0, abs=0.1)


def test_the_split_check_forgets_its_last_unit_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    the_split_check_takes_no_raise_for_noise()
    monkeypatch.setattr(Split, "at_new_share", lambda self: self)
    breaks(the_split_check_takes_no_raise_for_noise)


def test_a_loss_that_began_before_a_raise_is_still_seen_after_it() -> None:
    def lossy(number: int, share: float) -> Minute:
        canary = round(REQUESTS * share)
        return Minute(
            number,
            0,
            {"errors": Counts(round(0.8 * canary), 0, REQUESTS - canary, 0)},
            (canary, REQUESTS - canary),
            share,
        )

    rollout = [lossy(n, 0.5 if n >= 20 else 0.1) for n in range(21)]
    assert judged(judge(), rollout[:20]).incomparable
    assert judged(judge(), rollout).incomparable


DELAY = 10


def delayed_ramp(shares: list[float], **of_minute: float) -> list[Minute]:
    """Return minutes in which the gate counts what was shown ten minutes earlier."""
    return [
        a_minute(n, share, shown_at=shares[max(0, n - DELAY)], counted=0.9, **of_minute)  # type: ignore[arg-type]
        for n, share in enumerate(shares)
    ]


def what_was_shown_under_another_share_is_not_checked() -> None:
    shares = [0.1] * 30 + [0.5] * 30 + [0.05] * 9
    assert not judged(judge(delay=DELAY), delayed_ramp(shares)).incomparable


def test_a_delayed_count_is_checked_only_under_the_share_it_was_shown_with(monkeypatch: pytest.MonkeyPatch) -> None:
    what_was_shown_under_another_share_is_not_checked()
    monkeypatch.setattr(Gate, "has_one_split", Gate.is_own)
    breaks(what_was_shown_under_another_share_is_not_checked)


def test_a_delayed_count_is_checked_again_when_the_share_has_held() -> None:
    """The canary's items are lost from the raise on; the first of them that are counted come ten minutes later."""
    shares = [0.1] * 30 + [0.5] * 40
    rollout = delayed_ramp(shares)
    lossy = [
        Minute(m.number, 0, {"errors": Counts(2000, 20, 2700, 27)}, m.invocations, m.share) if m.number >= 40 else m
        for m in rollout
    ]
    rules = judge(delay=DELAY)
    assert not judged(rules, lossy[:41]).incomparable
    assert judged(rules, lossy[:50]).incomparable


def a_delayed_split_is_no_noise() -> None:
    shares = [0.02] * 20 + [0.5] * 12
    assert judged(judge(delay=DELAY), delayed_ramp(shares)).gates[0].dispersion == 1.0


def test_a_delayed_count_forgets_when_its_own_split_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    a_delayed_split_is_no_noise()
    monkeypatch.setattr(Gate, "has_one_split", Gate.is_own)
    breaks(a_delayed_split_is_no_noise)


def test_a_step_that_keeps_the_share_waits_for_its_delay_as_well() -> None:
    """A new release may have been shown before the step, whatever its share was."""
    rules = judge(delay=DELAY)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.1) for n in range(20)])
    state, _ = rules.update(state, [a_minute(n, 0.1, counted=0.5, step=1) for n in range(20, 29)])
    assert "split" not in state["gates"]["errors"]
    state, _ = rules.update(state, [a_minute(n, 0.1, counted=0.5, step=1) for n in range(29, 32)])
    assert "split" in state["gates"]["errors"]


def test_a_share_that_holds_costs_the_state_nothing() -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.1) for n in range(5)])
    moved, _ = rules.update(state, [a_minute(5, 0.5)])
    assert "even" not in state
    assert moved["even"] == [0.5, 5]
    stepped, _ = rules.update(moved, [a_minute(6, 0.5, step=1)])
    assert "even" not in stepped


@pytest.mark.parametrize("delay", [0, DELAY])
def test_a_json_round_trip_at_every_minute_changes_nothing(delay: int) -> None:
    rules = judge(delay=delay)
    shares = [0.02] * 12 + [0.1] * 13 + [0.5] * 15 + [0.05] * 14
    kept = stored = rules.new_state()
    for minute in delayed_ramp(shares):
        kept, assessment = rules.update(kept, [minute])
        stored, same = rules.update(json.loads(json.dumps(stored, allow_nan=False)), [minute])
        assert (stored, same) == (kept, assessment)
    whole, _ = rules.update(rules.new_state(), delayed_ramp(shares))
    assert whole == kept
    assert math.isfinite(assessment.gates[0].log_evidence)
