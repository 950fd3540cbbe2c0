"""The decisions that need no AWS: whether a step has baked, where a release goes, how many instances are needed."""

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from rollout.contract.errors import CapacityUnavailable, DeployRefused
from rollout.contract.exposure import Pacing
from rollout.contract.hosting import SlotHosting
from rollout.contract.names import ROLLED_BACK
from rollout.contract.plan import Passes, Scaling, Step
from rollout.contract.reads import Reads
from rollout.contract.scalings import Scalings
from rollout.contract.states import Next
from rollout.contract.timing import BLIND_SECONDS, LOST_SECONDS
from rollout.decisions.bake import Baked, Decision, decide, lacking, missing_metrics
from rollout.decisions.capacity import Excess, Traffic, canary_floor, excess, floors_at_rest, instances_needed
from rollout.decisions.keeping import Kept, refuse_lost
from rollout.decisions.pacing import Pace
from rollout.decisions.placement import (
    Asked,
    Placement,
    first_placement,
    next_placement,
    refuse_rejected,
    refuse_unfit,
    slot_of,
)
from rollout.gates import Assessment, Verdict
from rollout.ledger import Release

from tests.lambdas.fakes.settings import FIXED, SCALED, A, B

STEP = Step(percent=10, bake_seconds=1800, max_bake_seconds=7200, min_requests=50, expected_percent=10)
SCALING = Scaling(**SCALED)
FULL = Baked(seen=1800, elapsed=1800, blind=60, is_fresh=True, requests=500)
"""A step whose bake is over, and of which everything was seen."""


def assessment(verdict: Verdict, reason: str = "") -> Assessment:
    return Assessment(verdict=verdict, reason=reason, minute=7, gate=None, gates=())


UNDECIDED = assessment(Verdict.CONTINUE, "undecided so far")
PASSED = assessment(Verdict.PASS, "proven")
SHORT = assessment(Verdict.CONTINUE, "too few requests")
BAKED_WELL = assessment(Verdict.PASS, "the bake is over")


AT_ITS_SHARE = Pace(budget=None, reaction=4, share=10, gates=()).look(Pacing(), (), end=0)


def decided(
    *,
    now: Assessment = UNDECIDED,
    at_bake_end: Assessment = SHORT,
    baked: Baked = FULL,
    step: Step = STEP,
    last: bool = False,
    held: str = "",
    notes: tuple[str, ...] = (),
) -> Decision:
    return decide(
        step, last=last, baked=baked, now=now, at_bake_end=at_bake_end, look=AT_ITS_SHARE, held=held, notes=notes
    )


# Whether a step has baked


def test_a_failed_gate_comes_before_everything_else() -> None:
    failed = assessment(Verdict.FAIL, "errors: far worse")
    blind = FULL._replace(blind=BLIND_SECONDS, is_fresh=False)
    assert decided(now=failed, at_bake_end=PASSED, baked=blind, held="an alarm is unknown") == (
        Next.REJECT,
        "errors: far worse",
    )


def test_an_early_proof_passes_a_step_before_its_bake_is_over() -> None:
    early = FULL._replace(seen=300, elapsed=300)
    assert decided(now=PASSED, baked=early) == (Next.NEXT_STEP, "proven")
    assert decided(now=PASSED, baked=early, last=True) == (Next.PROMOTE, "proven")


def test_the_end_of_the_bake_is_reached_with_its_last_second() -> None:
    assert decided(at_bake_end=BAKED_WELL) == (Next.NEXT_STEP, "the bake is over")
    a_second_less = FULL._replace(seen=1799)
    assert decided(at_bake_end=BAKED_WELL, baked=a_second_less).next is Next.STAY


def test_a_step_that_is_held_stays_and_says_why() -> None:
    assert decided(now=PASSED, at_bake_end=PASSED, held="an alarm is unknown") == (
        Next.STAY,
        "1,800 of 1,800 s at 10 %: an alarm is unknown",
    )


def test_a_step_that_saw_no_new_period_stays_and_says_so() -> None:
    stale = FULL._replace(is_fresh=False)
    assert decided(now=PASSED, at_bake_end=PASSED, baked=stale).reason == (
        "1,800 of 1,800 s at 10 %: no new metrics of every slot that should serve"
    )


def test_a_bake_that_goes_on_says_what_the_gates_say_now() -> None:
    early = FULL._replace(seen=240, elapsed=1799)
    assert decided(baked=early) == (Next.STAY, "240 of 1,800 s at 10 %: undecided so far")
    assert decided(baked=early, at_bake_end=BAKED_WELL).reason == "240 of 1,800 s at 10 %: undecided so far"


def test_a_bake_whose_time_is_over_says_what_its_end_lacks() -> None:
    """Also when too little of this time was seen."""
    assert decided(baked=FULL._replace(seen=240)).reason == "240 of 1,800 s at 10 %: too few requests"
    assert decided(baked=FULL._replace(seen=240), at_bake_end=BAKED_WELL).reason.endswith(": undecided so far")
    assert decided(at_bake_end=SHORT).reason.endswith(": too few requests")


def test_notes_follow_the_reason() -> None:
    notes = ("gate latency lacks the metrics of stable in 3 metric periods", "metrics come 90 s late here")
    assert decided(notes=notes).reason == (
        "1,800 of 1,800 s at 10 %: too few requests; gate latency lacks the metrics of stable in 3 metric periods; "
        "metrics come 90 s late here"
    )


def test_a_canary_that_is_not_seen_for_long_gives_its_traffic_back() -> None:
    assert decided(baked=FULL._replace(blind=BLIND_SECONDS - 1)).next is Next.STAY
    assert decided(baked=FULL._replace(blind=BLIND_SECONDS, elapsed=7200)) == (
        Next.TAKE_BACK,
        "no metrics of the canary for 1,800 s at 10 %, so the traffic went back to stable: too few requests",
    )


def test_a_step_without_a_decision_ends_with_the_longest_bake() -> None:
    assert decided(baked=FULL._replace(elapsed=7199)).next is Next.STAY
    assert decided(baked=FULL._replace(elapsed=7200)) == (
        Next.GIVE_UP,
        "no decision in 7,200 s at 10 %: too few requests",
    )


def test_a_bake_that_may_not_be_extended_may_lose_some_minutes() -> None:
    step = Step(percent=10, bake_seconds=1800, max_bake_seconds=1800, min_requests=50, expected_percent=10)
    assert decided(step=step, baked=FULL._replace(elapsed=1800 + LOST_SECONDS - 1)).next is Next.STAY
    assert decided(step=step, baked=FULL._replace(elapsed=1800 + LOST_SECONDS)).next is Next.GIVE_UP


def test_every_gate_and_side_that_lacks_metrics_is_named() -> None:
    assert missing_metrics({"latency": {"stable": 2, "canary": 1000}, "errors": {"canary": 1}}) == [
        "gate latency lacks the metrics of stable in 2 metric periods",
        "gate latency lacks the metrics of canary in 1,000 metric periods",
        "gate errors lacks the metrics of canary in 1 metric periods",
    ]


# Whether a paced step has shown enough


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a look has shown; at 10 %, where the budget affords everything and equality is proven."""

    share: float = 10
    held: str = ""
    affordable: tuple[float, str] = (100.0, "")
    proven: tuple[bool, bool] = (True, True)
    """During the bake, and at its end."""

    @property
    def pace(self) -> "Shown":
        return self

    @property
    def limit(self) -> str:
        return self.affordable[1]

    def is_proven(self, *, at_bake_end: bool) -> bool:
        return self.proven[at_bake_end]


EARLY = FULL._replace(seen=1799)


def lacks(
    passes: Passes,
    shown: Shown,
    *,
    baked: Baked = FULL,
    now: Assessment = UNDECIDED,
    at_bake_end: Assessment = BAKED_WELL,
) -> str:
    look: Any = shown
    return lacking(replace(STEP, passes=passes), baked, now, at_bake_end, look)


@pytest.mark.parametrize("passes", Passes)
def test_a_step_does_not_pass_before_it_has_its_share(passes: Passes) -> None:
    below = Shown(share=9.99)
    assert lacks(passes, below) == "9.99 % on the way to 10 %: undecided so far"
    limited = replace(below, affordable=(5.0, "the budget is small"))
    assert lacks(passes, limited) == "9.99 % on the way to 10 %: the budget is small"
    assert lacks(passes, replace(limited, held="not seen")) == "9.99 % on the way to 10 %: not seen"
    assert lacks(passes, Shown(), now=PASSED) == ""


@pytest.mark.parametrize("passes", [Passes.BUDGET, Passes.PROOF, Passes.WATCH])
def test_a_paced_step_that_is_held_does_not_pass(passes: Passes) -> None:
    assert lacks(passes, Shown(held="the evidence rises")) == "the evidence rises"


def test_a_step_of_the_budget_passes_when_a_third_more_is_affordable() -> None:
    for allowed, limit in ((13.0, ""), (12.99, "the budget is small")):
        assert lacks(Passes.BUDGET, Shown(affordable=(allowed, "the budget is small"))) == limit


def test_a_step_of_the_budget_is_watched_and_has_its_requests() -> None:
    assert lacks(Passes.BUDGET, Shown(), baked=EARLY) == "undecided so far"
    assert lacks(Passes.BUDGET, Shown(), baked=FULL._replace(requests=50)) == ""
    few = lacks(Passes.BUDGET, Shown(), baked=FULL._replace(requests=49))
    assert few == "the canary had 49 of the 50 requests that this step needs"


def test_a_step_of_the_budget_waits_for_a_canary_that_is_starved() -> None:
    starved = replace(UNDECIDED, starved=True, reason="too little traffic")
    assert lacks(Passes.BUDGET, Shown(held="the evidence rises"), now=starved) == "too little traffic"


def test_a_step_of_the_proof_passes_when_every_gate_is_proven() -> None:
    assert lacks(Passes.PROOF, Shown(), at_bake_end=SHORT) == "too few requests"
    for proven, early, at_end in (
        ((True, True), True, True),
        ((False, True), False, True),
        ((False, False), False, False),
    ):
        said = [lacks(Passes.PROOF, Shown(proven=proven), baked=baked) for baked in (EARLY, FULL)]
        assert said == [
            "" if passed else "it is not shown yet that the canary is as good as stable: the bake is over"
            for passed in (early, at_end)
        ]


def test_a_step_that_is_watched_passes_at_the_end_of_its_bake() -> None:
    assert lacks(Passes.WATCH, Shown(), baked=EARLY) == "the bake is over"
    assert lacks(Passes.WATCH, Shown(), at_bake_end=SHORT) == "too few requests"


# Where a release goes

V1, V2 = Release(version="v1", digest="1" * 64), Release(version="v2", digest="2" * 64)
REJECTED = Release(version="v2", digest="2" * 64, outcome=ROLLED_BACK)
HOSTING = SlotHosting(endpoint={"VolumeSizeInGB": 30}, release={"VolumeSizeInGB": 60})
TOLD = re.escape("version v2 was rolled back before; choose a new version to try it again")


def test_a_new_endpoint_has_the_release_in_both_slots_and_the_first_one_serves() -> None:
    asked = Asked(model_name="m1", instance_type="ml.g5.xlarge", hosting=HOSTING, scaling=SCALING)
    assert first_placement(asked) == {
        A: Placement(model_name="m1", weight=100, instances=2, instance_type="ml.g5.xlarge", hosting=HOSTING.release),
        B: Placement(model_name="m1", weight=0, instances=1, instance_type="ml.g5.xlarge", hosting=HOSTING.release),
    }


@pytest.mark.parametrize(("stable", "idle"), [(A, B), (B, A)])
def test_a_release_goes_into_the_idle_slot_and_the_slot_that_serves_keeps_its_model(stable: str, idle: str) -> None:
    declared = {
        stable: Placement(
            model_name="m1", weight=0, instances=7, instance_type="ml.m5.xlarge", hosting={"VolumeSizeInGB": 90}
        ),
        idle: Placement(model_name="m0", weight=100, instances=7, instance_type="ml.m5.xlarge"),
    }
    larger = replace(SCALING, min_instances=5, idle_instances=3)
    asked = Asked(model_name="m2", instance_type="ml.g5.xlarge", hosting=HOSTING, scaling=larger)
    assert next_placement(declared, asked, SCALING, stable=stable) == {
        stable: Placement(
            model_name="m1", weight=100, instances=2, instance_type="ml.m5.xlarge", hosting={"VolumeSizeInGB": 90}
        ),
        idle: Placement(model_name="m2", weight=0, instances=3, instance_type="ml.g5.xlarge", hosting=HOSTING.release),
    }


def test_a_release_is_found_by_version_and_digest_together() -> None:
    assert slot_of(V2, {A: V1, B: V2}) == B
    assert slot_of(REJECTED, {A: V2, B: V1}) == A
    assert slot_of(V2, {A: None, B: V2}) == B
    assert slot_of(Release(version="v2", digest="3" * 64), {A: V1, B: V2}) is None
    assert slot_of(V2, {A: None, B: None}) is None


def test_a_version_label_that_is_new_or_names_the_same_content_is_fit() -> None:
    refuse_unfit(V2, None)
    refuse_unfit(V2, V2)


def test_a_version_label_that_is_taken_is_refused_with_both_digests() -> None:
    told = (
        "version v2 already names another content (222222222222, now 333333333333); give the new content a new version"
    )
    with pytest.raises(DeployRefused, match=f"^{re.escape(told)}$"):
        refuse_unfit(Release(version="v2", digest="3" * 64), V2)


def test_a_release_that_was_rolled_back_is_refused() -> None:
    with pytest.raises(DeployRefused, match=f"^{TOLD}$"):
        refuse_unfit(V2, REJECTED)


def test_a_release_that_was_rolled_back_is_refused_when_it_is_asked_for_again() -> None:
    refuse_rejected(V2, declared=V1, serving=V1)
    with pytest.raises(DeployRefused, match=f"^{TOLD}$"):
        refuse_rejected(REJECTED, declared=V1, serving=V1)
    with pytest.raises(DeployRefused, match=f"^{TOLD}$"):
        refuse_rejected(REJECTED, declared=None, serving=None)


def test_a_release_that_was_rolled_back_may_stay_in_the_template_or_serve() -> None:
    refuse_rejected(REJECTED, declared=V2, serving=V1)
    refuse_rejected(REJECTED, declared=V1, serving=V2)


# What the models in the slots read

READS = Reads(buckets=("models",), key="a-key", role="a-role")
KEPT = Kept(buckets=["logs", "models"], keys=["a-key"], roles=["another", "a-role"])
STAYS = "version v1 stays in a slot and "


def test_a_deploy_that_keeps_what_a_model_reads_is_accepted() -> None:
    refuse_lost("v1", READS, KEPT)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (replace(KEPT, roles=[]), STAYS + "runs under role a-role, which this deploy would take away or let read less"),
        (
            replace(KEPT, buckets=["logs"]),
            STAYS + "reads its archive from bucket models, which the models' role may not",
        ),
        (replace(KEPT, keys=["b"]), STAYS + "reads its archive with key a-key, which the models' role may not use"),
        (Kept(buckets=[], keys=[], roles=[]), STAYS + "runs under role a-role"),
    ],
    ids=["role", "bucket", "key", "all"],
)
def test_a_deploy_that_takes_from_a_model_what_it_reads_is_refused(kept: Kept, told: str) -> None:
    with pytest.raises(DeployRefused, match=f"^{re.escape(told)}"):
        refuse_lost("v1", READS, kept)


def test_a_stack_that_does_not_know_what_it_keeps_refuses_nothing() -> None:
    refuse_lost("v1", READS, Kept(buckets=None, keys=None, roles=None))


def test_a_model_that_reads_nothing_loses_nothing() -> None:
    refuse_lost("v1", Reads(), Kept(buckets=[], keys=[], roles=[]))


# How many instances are needed
BOTH = Scalings(endpoint=SCALING)


def test_an_instance_more_is_needed_from_the_first_request_that_the_others_cannot_take() -> None:
    assert [instances_needed(rate, SCALING) for rate in (3000, 3001)] == [3, 4]


def test_traffic_over_the_maximum_is_waited_for_from_its_first_look_on() -> None:
    sentence = (
        "the current 8,001 requests a minute need 9 instances of variant-b at 1,000 each, but its max_instances is 8"
    )
    assert excess(Traffic(8001, {B: 0, A: 0}), BOTH, since=None, now=60, lasts_seconds=900) == Excess(60, sentence)
    assert excess(Traffic(8001, {B: 0, A: 0}), BOTH, since=0, now=899, lasts_seconds=900) == Excess(0, sentence)


def test_traffic_over_the_maximum_ends_a_rollout_when_it_lasts() -> None:
    told = (
        "the current 12,345 requests a minute need 13 instances of variant-b at 1,000 each, but its max_instances is "
        "8; this lasts for 15 minutes"
    )
    with pytest.raises(CapacityUnavailable, match=f"^{re.escape(told)}$"):
        excess(Traffic(12345, {B: 0, A: 0}), BOTH, since=100, now=1000, lasts_seconds=900)
    with pytest.raises(CapacityUnavailable, match="; this lasts for 600 minutes"):
        excess(Traffic(12345, {B: 0, A: 0}), BOTH, since=0, now=36_000, lasts_seconds=900)


def test_traffic_that_is_not_over_the_maximum_any_more_is_forgotten() -> None:
    assert excess(Traffic(8000, {B: 0, A: 0}), BOTH, since=0, now=900, lasts_seconds=900) == Excess(None, "")


def test_a_fixed_fleet_is_never_too_small() -> None:
    fixed = Scaling(**FIXED)
    assert excess(Traffic(1e9, {A: 0}), Scalings(endpoint=fixed), since=0, now=900, lasts_seconds=900) == Excess(
        None, ""
    )


def test_a_canary_never_has_less_than_the_idle_instances() -> None:
    scaling = Scaling(min_instances=4, max_instances=8, idle_instances=3, invocations_per_instance=1000)
    assert [canary_floor(8, percent, scaling) for percent in (0, 37.5, 37.6, 100)] == [3, 3, 4, 8]


def test_at_rest_each_slot_has_the_floor_of_its_role() -> None:
    assert floors_at_rest(B, A, BOTH) == {B: 2, A: 1}


def test_what_a_model_reads_is_read_as_it_was_recorded() -> None:
    reads = Reads(buckets=("models", "features"), key="a-key", role="a-role", functions=("a-function",))
    assert Reads.parse(reads.to_json()) == reads
