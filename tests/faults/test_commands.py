"""Commands of several people beside faults: how they are drawn, what is checked, and what a rehearsal makes of them."""

import json
import random
from collections.abc import Mapping
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.order import Order
from rollout.watching.reading import Reader
from rollout.watching.target import Access, Target

from bench.chaos.commands import FEWEST, MOST, PEOPLE, WEIGHTS, commands
from bench.chaos.orders_kept import not_kept
from bench.chaos.running import run_one
from bench.chaos.schedules import LATEST_SECOND, schedule, schedule_with_commands
from bench.chaos.worlds import QUIET, merged
from canary_tools.rehearsal.people import COMMANDS
from canary_tools.rehearsal.record.observation import LockSeen
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import Behaviour, parse_scenario
from canary_tools.rehearsal.services.executions import iso
from canary_tools.rehearsal.template import DeclaredEndpoint

SEEDS = range(1, 301)
ANN = Order(who="arn:aws:sts::1:assumed-role/operator/ann", at="2027-01-15T08:00:00Z", why="wrong model")


def drawn(seed: int) -> list[dict[str, Any]]:
    return [*commands(random.Random(seed), LATEST_SECOND)]  # noqa: S311 - a draw, not a secret


def test_a_schedule_has_a_few_commands_by_two_or_three_people() -> None:
    for seed in SEEDS:
        found = drawn(seed)
        assert FEWEST <= len(found) <= MOST
        assert 2 <= len({each["by"] for each in found}) <= len(PEOPLE)
    assert {each["do"] for seed in SEEDS for each in drawn(seed)} == set(WEIGHTS) == set(COMMANDS)


def test_commands_come_near_each_other_and_some_at_once() -> None:
    moments = [[each["at_s"] for each in drawn(seed) if each["do"] != "resume"] for seed in SEEDS]
    near = [any(0 < abs(one - other) < 60 for one in of for other in of) for of in moments]
    at_once = [len(set(of)) < len(of) for of in moments]
    assert sum(near) > len(SEEDS) / 2
    assert sum(at_once) > len(SEEDS) / 4


def test_the_same_seed_draws_the_same_commands_beside_the_faults_of_its_schedule() -> None:
    with_commands, without = schedule_with_commands(7), schedule(7)
    assert with_commands == schedule_with_commands(7)
    assert with_commands["faults"] == without["faults"]
    assert [each for each in with_commands["controls"] if each["do"] not in WEIGHTS or "by" not in each] == without[
        "controls"
    ]
    for seed in SEEDS:
        parse_scenario(schedule_with_commands(seed))


def test_most_pauses_are_ended_by_somebody_later() -> None:
    paused = [found for found in map(drawn, SEEDS) if any(each["do"] == "pause" for each in found)]
    ended = [found for found in paused if found[-1]["do"] == "resume"]
    assert len(paused) * 0.8 < len(ended) < len(paused)


@pytest.fixture(scope="module")
def several(declared: DeclaredEndpoint) -> Any:
    """A rollout in which three people order this and that, and go back after the promotion."""
    controls = [
        {"at_s": 200, "do": "promote", "by": "bob", "why": "the shop waits"},
        {"at_s": 300, "do": "pause", "by": "ann", "why": "a call"},
        {"at_s": 300, "do": "pause", "by": "cid"},
        {"at_s": 310, "do": "promote", "by": "bob"},
        {"at_s": 320, "do": "rollback", "by": "bob"},
        {"at_s": 400, "do": "resume", "by": "cid"},
        {"at_s": 420, "do": "approve", "by": "ann"},
        {"at_s": 2000, "do": "rollback", "by": "cid", "why": "it is slow"},
        {"at_s": 2001, "do": "rollback", "by": "ann"},
    ]
    return rehearse(declared, parse_scenario(merged(QUIET, {"controls": controls})))


def test_each_command_is_carried_out_or_refused_with_a_sentence(several: Any) -> None:
    told = [happening.text for happening in several.observation.happenings if " orders " in happening.text]
    begun = {text.partition(": ")[0]: text.partition(": ")[2] for text in told}
    assert [text.partition(": refused: ")[0] for text in sorted(told) if ": refused: " in text] == sorted(
        ["ann orders approve", "ann orders rollback", "bob orders promote", "bob orders rollback"]
        + [name for name in ("ann orders pause", "cid orders pause") if "refused" in begun[name]]
    )
    assert "its release is not promoted yet: `canary abort` takes its traffic" in begun["bob orders rollback"]
    assert "the rollout is paused by " in begun["bob orders promote"]
    assert "goes back" in begun["ann orders rollback"] or "is under way, ordered by cid" in begun["ann orders rollback"]
    assert begun["cid orders rollback"].startswith("v2 is left for before: weight 0 after ")


def test_of_two_people_who_pause_in_one_moment_one_is_refused_and_the_ledger_has_the_other(several: Any) -> None:
    told = [happening.text for happening in several.observation.happenings if " orders pause" in happening.text]
    refused = [text.partition(" ")[0] for text in told if ": refused: " in text]
    paused = {seen.lock.paused.who.rpartition("/")[2] for seen in several.observation.locks if seen.lock.paused}
    assert len(refused) == len(paused) == 1
    assert {*refused, *paused} == {"ann", "cid"}


def test_the_ledger_says_who_hurried_and_who_went_back(several: Any) -> None:
    assert several.result["unsafe"] == []
    assert {name: record["reason"] for name, record in several.rollouts.items()} == {
        "v2-1": "every step passed; at 20 % the rest of the bake was skipped by bob: the shop waits",
        "before-2": "before serves again instead of v2: rolled back by cid: it is slow",
    }
    assert not_kept(several) == []


def test_a_call_of_a_command_that_fails_is_no_end_of_the_rehearsal(declared: DeclaredEndpoint) -> None:
    dies = {"at_s": 300, "for_s": 1, "call": "dynamodb:UpdateItem", "error": "crash"}
    refuses = {"at_s": 340, "for_s": 30, "call": "states:DescribeExecution", "error": "AccessDeniedException"}
    orders = [{"at_s": 300, "do": "abort", "by": "bob"}, {"at_s": 345, "do": "promote"}]
    ended = run_one(declared, "", merged(QUIET, {"faults": [dies, refuses], "controls": orders}))
    assert ended.unsafe == ()
    assert (ended.outcome, ended.reason) == ("NOT_JUDGED", "aborted by bob: by hand")
    assert (ended.commands, ended.refused) == (2, 1)


class _Waits:
    """A Step Functions that is asked for a second plan while it answers for the first."""

    def __init__(self) -> None:
        self.asks: list[Thread] = []

    def describe_state_machine(self, **_request: str) -> Mapping[str, str]:
        if not self.asks:
            self.asks.append(Thread(target=lambda: reader_of(self).plan, daemon=True))
            self.asks[0].start()
            self.asks[0].join(timeout=5)
            assert not self.asks[0].is_alive(), "the second reader waits for the first"
        raise LookupError


def reader_of(client: object) -> Reader:
    target = Target(endpoint="shop", stack_id="a/b/c", construct="", ledger="ledger", state_machine_arn="arn")
    return Reader(Access(region="us-east-1", client=lambda _service: client), target)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_two_people_read_at_the_same_time() -> None:
    with pytest.raises(LookupError):
        _ = reader_of(_Waits()).plan


def looked(at_s: float, following: str, *, index: int = 0) -> list[dict[str, Any]]:
    """Return the events of a look that takes two seconds."""
    before, after = ({"step": {"index": index, "next": word}} for word in ("STAY", following))
    return [
        {"timestamp": iso(at_s), "stateEnteredEventDetails": {"name": "Evaluate", "input": json.dumps(before)}},
        {"timestamp": iso(at_s + 2), "stateExitedEventDetails": {"name": "Evaluate", "output": json.dumps(after)}},
    ]


def seen(at_s: float, **fields: Any) -> LockSeen:
    return LockSeen(at_s=at_s, lock=Lock(kind=ROLLOUT, holder="v2-1", **fields))


def rehearsed(*, locks: list[LockSeen], events: Any = (), fails: float = 0.0, asks: int = 0, **record: Any) -> Any:
    """Return what is left of a rehearsal whose rollout was promoted, unless the record says something else."""
    execution = {"name": "v2-1", "events": list(events)}
    promoted = {"outcome": "PROMOTED", "reason": "every step passed", "steps": [], **record}
    return SimpleNamespace(
        aws=SimpleNamespace(executions=SimpleNamespace(all=lambda: [execution]), zero=0.0),
        observation=SimpleNamespace(locks=locks),
        rollouts={"v2-1": promoted},
        result={"outcome": promoted["outcome"]},
        scenario=SimpleNamespace(canary=Behaviour(error_rate=fails)),
        declared=SimpleNamespace(plan=SimpleNamespace(step=lambda _index: SimpleNamespace(approval_seconds=asks))),
    )


@pytest.mark.parametrize("following", ["RAISE", "NEXT_STEP", "PROMOTE"])
def test_a_pause_that_does_not_hold_is_found(following: str) -> None:
    locks = [seen(100, paused=ANN), seen(300)]
    assert not_kept(rehearsed(locks=locks, events=looked(200, following))) == [
        f"v2-1 was paused from 100 s on, and a look at 200 s said {following}"
    ]
    for at_s in (99, 299, 301):
        assert not_kept(rehearsed(locks=locks, events=looked(at_s, following))) == []
    assert not_kept(rehearsed(locks=locks, events=looked(200, "LOWER"))) == []


def test_a_step_that_passes_without_the_approval_it_asks_for_is_found() -> None:
    passed, approved = looked(200, "NEXT_STEP"), {"approved": ANN, "approved_step": 0}
    assert not_kept(rehearsed(locks=[], events=passed, asks=600)) == ["v2-1 passed step 1 at 202 s without an approval"]
    late = rehearsed(locks=[seen(203, **approved)], events=passed, asks=600)
    assert len(not_kept(late)) == 1
    silent = rehearsed(locks=[seen(150, **approved)], events=passed, asks=600)
    assert not_kept(silent) == ["the ledger does not say who approved step 1 of v2-1"]
    steps = [{"percent": 20, "approved": ANN.to_json()}]
    assert not_kept(rehearsed(locks=[seen(150, **approved)], events=passed, asks=600, steps=steps)) == []


def test_a_failed_gate_that_was_passed_is_found() -> None:
    failed = {"percent": 20, "gates": [{"name": "errors", "verdict": "FAIL"}]}
    assert not_kept(rehearsed(locks=[], steps=[failed, {"percent": 100}])) == [
        "v2-1 went on from 20 % although errors had failed"
    ]
    rolled_back = {"outcome": "ROLLED_BACK", "reason": "errors"}
    assert not_kept(rehearsed(locks=[], steps=[failed], **rolled_back)) == []


def test_a_release_that_fails_much_and_is_promoted_is_found() -> None:
    assert not_kept(rehearsed(locks=[], fails=0.3)) == ["a release that fails 30% of its requests was promoted"]


def test_an_abort_that_was_overruled_or_is_not_told_is_found() -> None:
    aborted = seen(100, halted=f"aborted by {ANN.sentence}", halted_by="Halted", halted_who=ANN.who)
    assert not_kept(rehearsed(locks=[aborted])) == [
        "v2-1 was promoted although it had been ended: aborted by ann: wrong model"
    ]
    ended = {"outcome": "NOT_JUDGED", "reason": "the execution was stopped"}
    assert not_kept(rehearsed(locks=[aborted], **ended)) == [
        "v2-1 was ended (aborted by ann: wrong model), and the ledger says: the execution was stopped"
    ]
    assert not_kept(rehearsed(locks=[aborted], outcome="NOT_JUDGED", reason="aborted by ann: wrong model")) == []
    assert not_kept(rehearsed(locks=[seen(100, halted="by ann", promoted_at="2027-01-15T08:00:00Z")])) == []


def test_a_rollout_whose_end_the_ledger_does_not_tell_is_found() -> None:
    assert not_kept(rehearsed(locks=[], outcome="RUNNING")) == [
        "the ledger does not say how and why v2-1 ended: RUNNING"
    ]
