"""Whose fault an alarm of the canary is, from counts alone."""

import random
from math import inf, nan

import pytest
from rollout.contract.errors import AlarmRaised, AlarmRaisedAlone
from rollout.decisions.blame import (
    CHANCE,
    Before,
    Bound,
    Fault,
    Finding,
    Seen,
    judge,
    judge_afterwards,
    most_urgent,
    worse_beyond_chance,
)
from rollout.gates.exact_test import chance_of_as_many

LIMIT_PERCENT = 25
MIN_REQUESTS = 25


def seen(total: float, bad: float) -> Seen:
    beyond = total >= MIN_REQUESTS and 100 * bad > LIMIT_PERCENT * total
    return Seen(total=total, bad=bad, beyond=beyond)


def judged(
    canary: list[tuple[float, float] | None],
    stable: list[tuple[float, float] | None],
    *,
    usual: list[tuple[float, float]] | None = None,
    served: list[tuple[float, float]] | None = None,
    alone_from: float = inf,
    two_shares: dict[int, float] | None = None,
) -> Finding:
    """Judge periods 0, 1, …; `None` is a period that is not published."""
    slots = ({n: seen(*counts) for n, counts in enumerate(slot) if counts is not None} for slot in (canary, stable))
    before = Before(rollout=[seen(*each) for each in usual or [(600, 6)]], step=[seen(*each) for each in served or []])
    return judge(
        "failed",
        *slots,
        before=before,
        alone_from=alone_from,
        two_shares=two_shares or {},
        min_requests=MIN_REQUESTS,
    )


@pytest.mark.parametrize(
    ("canary", "stable", "fault"),
    [
        ((100, 60), (900, 9), Fault.CANARY),
        ((100, 60), (900, 540), Fault.BOTH),
        ((40, 28), (40, 15), Fault.BOTH),
        ((4000, 2800), (4000, 1100), Fault.CANARY),
        ((4000, 2800), (4000, 2400), Fault.BOTH),
        ((25, 20), (25, 1), Fault.CANARY),
        ((26, 8), (24, 0), Fault.BOTH),
        ((30, 15), (24, 12), Fault.BOTH),
        ((24, 24), (900, 9), Fault.NOTHING),
        ((100, 25), (900, 9), Fault.NOTHING),
        ((100, 60), None, Fault.UNSEEN),
        ((100, 60), (900, 901), Fault.UNSEEN),
        ((100, 60), (900, -1), Fault.UNSEEN),
        ((10**9, 10**9), (10**9, 0), Fault.CANARY),
        ((10**12, 5 * 10**11), (10**12, 5 * 10**11), Fault.BOTH),
        ((100, 101), (900, 9), Fault.IMPOSSIBLE),
        ((100, inf), (900, 9), Fault.IMPOSSIBLE),
        ((100, nan), (900, 9), Fault.IMPOSSIBLE),
        ((nan, 50), (900, 9), Fault.IMPOSSIBLE),
        ((-100, -50), (900, 9), Fault.IMPOSSIBLE),
        ((100.5, 50), (900, 9), Fault.IMPOSSIBLE),
        ((1e15, 1e15), (900, 9), Fault.CANARY),
        ((1e15 + 1, 1e15), (900, 9), Fault.IMPOSSIBLE),
        ((2.0**360, 2.0**359), (900, 9), Fault.IMPOSSIBLE),
        (None, (900, 9), Fault.NOTHING),
    ],
)
def test_one_period_of_both_slots(
    canary: tuple[float, float] | None, stable: tuple[float, float] | None, fault: Fault
) -> None:
    assert judged([canary], [stable]).fault is fault


def test_the_reason_says_the_counts_of_both() -> None:
    assert judged([(100, 60)], [(900, 9)]).reason == (
        "of the canary's requests 60 of 100 failed (60.00 %), of stable's 9 of 900 (1.00 %)"
    )
    assert judged([(100, 60)], [(900, 540)]).reason == (
        "of the canary's requests 60 of 100 failed (60.00 %), of stable's 540 of 900 (60.00 %); "
        "both have this trouble, so no traffic is shifted while it lasts"
    )
    assert judged([(100, 60)], [None]).reason == (
        "of the canary's requests 60 of 100 failed (60.00 %); what stable did at that time is not published yet"
    )
    assert judged([(100, 101)], [None]).reason == (
        "CloudWatch says that 101 of the canary's 100 requests were bad, which cannot be"
    )


def test_counts_of_several_periods_that_are_bounds_are_said_to_be_bounds() -> None:
    canary = dict.fromkeys((0, 1), Seen(total=100, bad=60, beyond=True, bound=Bound.AT_LEAST))
    stable = dict.fromkeys((0, 1, 2), Seen(total=900, bad=9, bound=Bound.AT_MOST))
    before = Before(rollout=[seen(600, 6)])
    assert judge("took long", canary, stable, before=before, min_requests=MIN_REQUESTS).reason == (
        "of the canary's requests at least 120 of 200 took long (60.00 %), of stable's at most 18 of 1,800 (1.00 %)"
    )


def test_a_canary_within_its_limits_is_said_so() -> None:
    assert judged([(100, 0)], [None]).reason == "the canary's newest metric periods are within the limits"


def test_only_the_same_periods_are_compared() -> None:
    """An outage begins; stable's newest period is not published, and the one before was fine."""
    assert judged([(100, 0), (100, 60)], [(900, 9), None]).fault is Fault.UNSEEN
    assert judged([(100, 0), (100, 60)], [(900, 9), (900, 540)]).fault is Fault.BOTH


def test_what_waits_for_stable_says_whether_stable_was_seen_with_the_trouble() -> None:
    both, wholly = judged([(100, 60), (100, 60)], [(900, 540), None]), judged([(100, 60), (100, 60)], [None, None])
    assert [both.fault, wholly.fault] == [Fault.UNSEEN, Fault.UNSEEN]
    assert [both.partly_seen, wholly.partly_seen] == [True, False]


@pytest.mark.parametrize("kinds", [(0, 1), (1, 0)])
def test_what_stable_shows_nothing_of_is_more_urgent_than_what_it_shows_a_part_of(kinds: tuple[int, int]) -> None:
    findings = [Finding(fault=Fault.UNSEEN, partly_seen=True), Finding(fault=Fault.UNSEEN)]
    assert not most_urgent(findings[kind] for kind in kinds).partly_seen


def test_a_usual_trouble_holds_nothing_up_while_stable_publishes_later() -> None:
    later = [(900, 540), None]
    assert judged([(100, 60)] * 2, later, usual=[(600, 300)]).fault is Fault.USUAL
    assert judged([(100, 60)] * 2, [(900, 9), None], usual=[(600, 300)]).fault is Fault.CANARY
    assert judged([(100, 60)] * 2, [None, None], usual=[(600, 300)]).fault is Fault.UNSEEN


def test_the_newest_failures_of_stable_may_be_a_part_of_them() -> None:
    newest, final = judged([(100, 60)], [(900, 270)]), judged([(100, 60)], [(900, 270), (900, 9)])
    assert [newest.fault, final.fault] == [Fault.BOTH, Fault.CANARY]


def test_what_is_known_is_enough_against_the_canary() -> None:
    assert judged([(100, 60), (100, 60)], [(900, 9), None]).fault is Fault.CANARY


def test_several_periods_show_what_one_cannot() -> None:
    assert judged([(26, 8)], [(24, 0)]).fault is Fault.BOTH
    assert judged(5 * [(26, 8)], 5 * [(24, 0)]).fault is Fault.CANARY


def test_where_stable_serves_nobody_the_canary_is_compared_with_stable_when_it_last_served() -> None:
    alone = judged([(100, 60)], [None], alone_from=0, served=[(900, 9)])
    assert (alone.fault, alone.reason) == (
        Fault.CANARY,
        "of the canary's requests 60 of 100 failed (60.00 %), of stable's 9 of 900 (1.00 %) when it last served",
    )
    both = judged([(100, 60)], [None], alone_from=0, served=[(900, 540)])
    assert (both.fault, both.reason) == (
        Fault.BOTH,
        (
            "of the canary's requests 60 of 100 failed (60.00 %), of stable's 540 of 900 (60.00 %) when it last "
            "served; both have this trouble, so no traffic is shifted while it lasts"
        ),
    )


def test_where_stable_serves_nobody_and_never_did_the_canary_is_to_blame() -> None:
    finding = judged([(100, 60)], [None], alone_from=0)
    assert finding.fault is Fault.CANARY
    assert finding.reason.endswith("of stable's there were none when it last served")


def test_one_request_of_the_canary_is_enough_where_nothing_says_that_stable_is_as_bad() -> None:
    slots = ({0: Seen(total=1, bad=1, beyond=True)}, {})
    assert judge("failed", *slots, before=Before(), alone_from=0, min_requests=1).fault is Fault.CANARY


def test_stable_serves_nobody_from_the_first_period_on_in_which_the_canary_is_alone() -> None:
    """What stable published late for that period is no comparison."""
    late = judged([(100, 60)], [(900, 540)], alone_from=0, served=[(900, 9)])
    before = judged([(100, 60)], [(900, 540)], alone_from=1, served=[(900, 9)])
    assert [late.fault, before.fault] == [Fault.CANARY, Fault.BOTH]


def test_only_a_canary_that_was_compared_with_another_time_needs_a_second_look() -> None:
    alone, together = judged([(100, 60)], [None], alone_from=0, served=[(900, 9)]), judged([(100, 60)], [(900, 9)])
    assert [alone.error, together.error] == [AlarmRaisedAlone, AlarmRaised]


@pytest.mark.parametrize(
    ("stable", "fault"),
    [
        ([(900, 9), (900, 9)], Fault.CANARY),
        ([(900, 540), (900, 540)], Fault.BOTH),
        ([(900, 9)], Fault.UNSEEN),
        ([(0, 0), (900, 9)], Fault.UNSEEN),
        ([(5, 0), (900, 9)], Fault.UNSEEN),
        ([(20, 0), (20, 0), (900, 540)], Fault.CANARY),
        ([(900, 901), (900, 9)], Fault.UNSEEN),
        ([], Fault.UNSEEN),
    ],
)
def test_what_stable_does_with_its_traffic_shows_whose_fault_it_was(
    stable: list[tuple[float, float]], fault: Fault
) -> None:
    """The traffic comes back in period 2. Stable's newest period does not count yet."""
    canary = {0: seen(300, 3), 1: seen(300, 180), 2: seen(100, 60), 3: seen(30, 30)}
    after = {2 + number: seen(*counts) for number, counts in enumerate(stable)}
    found = judge_afterwards("failed", canary, {1: seen(900, 540), **after}, returned=2, min_requests=MIN_REQUESTS)
    assert found.fault is fault


def test_the_period_in_which_the_traffic_went_back_counts_for_both_slots() -> None:
    canary, stable = {2: seen(100, 60)}, {2: seen(900, 9), 3: seen(900, 540)}
    found = judge_afterwards("failed", canary, stable, returned=2, min_requests=MIN_REQUESTS)
    assert found.fault is Fault.CANARY


@pytest.mark.parametrize(
    ("bad", "told"),
    [(9, "9 of 900 failed (1.00 %)"), (540, "540 of 900 failed (60.00 %) as well, so nobody was judged")],
)
def test_what_stable_did_with_its_traffic_is_said_with_its_counts(bad: int, told: str) -> None:
    stable = {2: seen(900, bad), 3: seen(900, 9)}
    found = judge_afterwards("failed", {1: seen(100, 60)}, stable, returned=2, min_requests=MIN_REQUESTS)
    assert found.reason == f"of stable's, which has the traffic back, {told}"


def test_without_a_trouble_of_the_canary_nothing_is_judged_afterwards() -> None:
    stable = {0: seen(900, 9), 1: seen(900, 9)}
    assert judge_afterwards("failed", {0: seen(300, 3)}, stable, returned=0, min_requests=25).fault is Fault.NOTHING


def test_what_stable_showed_last_is_waited_for() -> None:
    slots = ({0: seen(100, 60)}, {})
    before = Before(rollout=[seen(600, 6)], step=[seen(900, 9)], has_come=False)
    assert judge("failed", *slots, before=before, alone_from=0, min_requests=MIN_REQUESTS).fault is Fault.UNSEEN


def test_a_stable_with_too_few_requests_is_compared_as_it_was() -> None:
    assert judged([(1000, 600)], [(24, 24)], served=[(900, 9)]).fault is Fault.CANARY
    assert judged([(1000, 600)], [(24, 24)], served=[(900, 540)]).fault is Fault.BOTH
    assert judged([(240, 144)], [(24, 24)], served=[(900, 9)]).fault is Fault.BOTH
    assert judged([(250, 150)], [(24, 24)], served=[(900, 9)]).fault is Fault.CANARY
    assert judged([(1000, 600)], [(25, 25)], served=[(900, 9)]).fault is Fault.BOTH


def test_periods_from_before_the_last_shift_wait_for_stable() -> None:
    assert judged([(100, 60), (100, 0)], [None, None], alone_from=1, served=[(900, 9)]).fault is Fault.UNSEEN


def test_a_trouble_that_stable_usually_has_holds_nothing_up() -> None:
    often = judged([(100, 60)], [(900, 540)], usual=[(600, 300), (600, 6), (600, 300)])
    seldom = judged([(100, 60)], [(900, 540)], usual=[(600, 300), (600, 6), (600, 6)])
    assert [often.fault, seldom.fault] == [Fault.USUAL, Fault.BOTH]
    assert [often.holds, seldom.holds] == [False, True]
    assert often.reason == (
        "of the canary's requests 60 of 100 failed (60.00 %), of stable's 540 of 900 (60.00 %); stable had this "
        "trouble before the rollout, too"
    )


def test_a_trouble_in_half_of_the_minutes_is_not_yet_usual() -> None:
    assert judged([(100, 60)], [(900, 540)], usual=2 * [(600, 300), (600, 6)]).fault is Fault.BOTH


@pytest.mark.parametrize(
    ("stable", "usual", "fault"),
    [
        ((900, 9), None, Fault.CANARY),
        (None, None, Fault.UNSEEN),
        ((900, 540), None, Fault.BOTH),
        ((900, 540), [(600, 300)], Fault.USUAL),
    ],
)
def test_whosever_fault_it_is_the_newest_period_says_whether_it_lasts(
    stable: tuple[float, float] | None, usual: list[tuple[float, float]] | None, fault: Fault
) -> None:
    still, over = (
        judged(canary, 2 * [stable], usual=usual) for canary in ([(100, 0), (100, 60)], [(100, 60), (100, 0)])
    )
    assert [still.fault, still.lasts, over.fault, over.lasts] == [fault, True, fault, False]


def test_a_step_is_held_while_the_newest_period_is_beyond_the_limits() -> None:
    assert judged([(100, 0), (100, 60)], 2 * [(900, 540)]).holds
    assert not judged([(100, 60), (100, 0)], 2 * [(900, 540)]).holds


def test_a_canary_that_is_bad_a_quarter_more_often_than_stable_is_not_materially_worse() -> None:
    """However certain it is: both fleets are in the same trouble."""
    assert not worse_beyond_chance(Seen(total=10_000, bad=5000), Seen(total=10_000, bad=4000))
    assert worse_beyond_chance(Seen(total=10_000, bad=5001), Seen(total=10_000, bad=4000))


@pytest.mark.parametrize("fault", Fault)
def test_a_finding_alone_holds_no_step_up_and_says_nothing(fault: Fault) -> None:
    """Only a newest period that was seen beyond the limits does."""
    finding = Finding(fault=fault)
    assert not finding.holds
    assert (finding.reason, finding.lasts) == ("", False)
    assert not Seen(total=100, bad=100).beyond


def test_what_is_not_said_is_not_so() -> None:
    assert Seen(total=1, bad=1) == Seen(total=1, bad=1, beyond=False, bound=None)
    assert Before() == Before(rollout=(), step=(), has_come=True)
    assert Finding(fault=Fault.CANARY) == Finding(fault=Fault.CANARY, reason="", lasts=False, alone=False)


def test_the_more_urgent_finding_counts() -> None:
    found = [Finding(fault=fault) for fault in Fault]
    random.Random(3).shuffle(found)  # noqa: S311 - a fixed seed
    assert most_urgent(found).fault is Fault.CANARY
    assert most_urgent([judged([(100, 0)], [None]), judged([(100, 60)], [(900, 540)])]).fault is Fault.BOTH


def test_an_outage_of_both_slots_is_nobodys_fault_however_few_requests_and_however_bad() -> None:
    draw, rounds = random.Random(7), 4_000  # noqa: S311 - a fixed seed
    blamed = 0
    for _ in range(rounds):
        rate, requests = draw.uniform(0.2, 0.8), (draw.randint(25, 100), draw.randint(10, 100))
        canary, stable = (seen(count, sum(draw.random() < rate for _ in range(count))) for count in requests)
        blamed += worse_beyond_chance(canary, stable)
    assert blamed == 0


def test_a_canary_that_fails_is_seen_with_the_fewest_requests_that_an_alarm_asks_for() -> None:
    assert chance_of_as_many(14, 25, 0, 25) < CHANCE < chance_of_as_many(13, 25, 0, 25)


def test_an_outage_of_both_that_begins_with_a_shift_is_not_blamed_on_the_canary() -> None:
    """20 s at 10 %, then 40 s at 50 % in which both fail three of ten: the canary has 37 % of the requests by then."""
    shifted = [(2_200, 600), (3_000, 3)], [(3_800, 600), (3_000, 3)]
    assert judged(*shifted).fault is Fault.CANARY
    assert judged(*shifted, two_shares={0: 0.5}).fault is Fault.BOTH
    first = [(400, 120), (600, 1)], [(5_600, 1_080), (5_400, 9)]
    assert judged(*first).fault is Fault.CANARY
    assert judged(*first, two_shares={0: 0.1}).fault is Fault.BOTH


@pytest.mark.parametrize("failed_of_stable", [4, 190])
def test_a_canary_that_fails_from_the_shift_on_is_blamed_in_the_very_period_of_the_shift(failed_of_stable: int) -> None:
    shifted = [(2_200, 2_000)], [(3_800, failed_of_stable)]
    assert judged(*shifted, two_shares={0: 0.5}).fault is Fault.CANARY


def test_stable_has_no_more_failures_than_requests_when_it_is_weighed_by_the_new_share() -> None:
    """Half of the requests fail, and more of stable's than it gets from now on."""
    assert judged([(600, 500)], [(1_200, 900)], two_shares={0: 0.5}).fault is Fault.BOTH
