"""The hold-back: the release is promoted, and the former one keeps a share of the traffic, to compare with."""

import pytest
from rollout.contract.errors import AGAINST_A_PROMOTED, DeployRefused, EndpointTooSlow
from rollout.contract.reads import Reads
from rollout.handlers.release_slots import release_slots
from rollout.ledger import Release

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import SCALED, STEPS, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed

HOLD_BACK = {"percent": 2, "duration_seconds": 3600, "interval_seconds": 300}
HELD = len(STEPS)
"""The number of the hold-back among the steps."""
HELD_BACK = {A: 2, B: 98}
PROMOTED = {A: 0, B: 100}
ROLLED_BACK = {A: 100, B: 0}


@pytest.fixture
def shop(aws: Aws) -> Shop:
    """An endpoint on which v1 serves 100 requests a second; promotions are followed by a hold-back of an hour."""
    shop = Shop(aws, scaling={**SCALED, "invocations_per_instance": 3000})
    shop.requests_per_period = 6000
    shop.plan["hold_back"] = HOLD_BACK
    shop.serve_first()
    return shop


@pytest.fixture
def held(shop: Shop) -> Execution:
    """The rollout of v2 in its hold-back, looked at for the first time."""
    return shop.begin("v2", "Evaluate", index=HELD)


def told(aws: Aws) -> list[str]:
    return [kind.removeprefix("Canary Rollout ") for kind, _ in aws.events.told()]


def test_the_release_is_promoted_when_the_hold_back_begins(aws: Aws, shop: Shop, held: Execution) -> None:
    assert shop.weights() == HELD_BACK
    happened, detail = aws.events.told()[-1]
    assert (happened, detail["version"], detail["execution"]) == ("Canary Rollout Promoted", "v2", held.name)
    assert detail["reason"] == (
        "every step passed; the former release keeps 2 % of the traffic for 1 h, to compare with"
    )
    release = shop.ledger.release("v2")
    assert release is not None
    assert release.outcome == "PROMOTED"
    record = shop.rollouts()[held.name]
    assert (record["outcome"], bool(record["promoted_at"])) == ("RUNNING", True)


def test_both_slots_keep_the_instances_of_all_traffic(shop: Shop, held: Execution) -> None:
    shop.settle()
    shop.look_for_what_was_left()
    assert shop.floors() == {A: 2, B: 2}
    assert shop.running() is held


def test_its_end_is_quiet_and_leaves_everything_at_rest(aws: Aws, shop: Shop, held: Execution) -> None:
    began = aws.clock.now()
    shop.run(held)
    assert held.status == "SUCCEEDED", held.failure
    assert 3600 <= aws.clock.now() - began < 3600 + 900
    assert shop.outcome(held) == ("PROMOTED", "every step passed")
    assert shop.weights() == PROMOTED
    assert shop.unsafe() == []
    assert told(aws).count("Promoted") == 1


def test_silence_and_too_little_evidence_end_nothing(shop: Shop, held: Execution) -> None:
    """Nobody comes to the shop at night."""
    shop.requests_per_period = 0
    shop.run(held)
    assert shop.outcome(held) == ("PROMOTED", "every step passed")


def test_a_fault_that_begins_after_the_promotion_is_rolled_back_and_told(aws: Aws, shop: Shop, held: Execution) -> None:
    for _ in range(3):
        shop.serve()
        held.advance()
    shop.failure_rates = {B: 0.1}
    shop.run(held)
    outcome, reason = shop.outcome(held)
    assert (outcome, reason.split(":")[0], held.status) == ("ROLLED_BACK", "errors", "FAILED")
    assert shop.weights() == ROLLED_BACK
    assert shop.unsafe() == []
    assert told(aws)[-2:] == ["Promoted", "Rolled Back"]
    release = shop.ledger.release("v2")
    assert release is not None
    assert release.outcome == "ROLLED_BACK"


@pytest.mark.parametrize("alarm", ["b-errors", "business"])
def test_an_alarm_takes_the_traffic_back_at_once(shop: Shop, held: Execution, alarm: str) -> None:
    shop.panic(alarm)
    shop.wait_until_quiet()
    assert shop.weights() == ROLLED_BACK
    shop.run(held)
    assert shop.outcome(held)[0] == "ROLLED_BACK", shop.outcome(held)
    assert shop.unsafe() == []


def test_a_new_deploy_ends_it_first(aws: Aws, shop: Shop, held: Execution) -> None:
    shop.deploy("v3")
    assert shop.weights() == PROMOTED
    assert shop.outcome(held) == (
        "PROMOTED",
        "every step passed; the hold-back ended before its time: a new deploy began",
    )
    shop.run(held)
    assert held.status == "SUCCEEDED", "it finds that it is over"
    shop.settle()
    following = shop.running()
    assert following is not None
    assert shop.weights() == PROMOTED, "the one that it met has moved nothing"
    shop.run(following)
    assert following.status == "SUCCEEDED", following.failure
    assert told(aws).count("Promoted") == 2


@pytest.mark.parametrize(
    ("version", "digest", "sentence"),
    [
        ("v1", "other-content", "version v1 already names another content"),
        ("v3", "digest-of-v3", "version v3 was rolled back before"),
    ],
)
def test_a_deploy_that_is_refused_leaves_it(
    shop: Shop, held: Execution, version: str, digest: str, sentence: str
) -> None:
    if version == "v3":
        shop.ledger.declare(
            Release(version="v3", digest=digest), "model-v3", shop.world.settings.scaling, reads=Reads()
        )
        shop.ledger.decide_release("v3", "ROLLED_BACK")
    with pytest.raises(DeployFailed, match=sentence):
        shop.deploy(version, digest)
    _goes_on(shop, held)


def test_a_refused_creation_of_an_endpoint_of_this_name_leaves_it(shop: Shop, held: Execution) -> None:
    shop.aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused, match="an endpoint named shop exists already"):
        release_slots(shop.stack._event("Create", shop.stack.template("v3").slots_properties()))
    shop.aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
    _goes_on(shop, held)


def _goes_on(shop: Shop, held: Execution) -> None:
    shop.settle()
    shop.wait_until_quiet()
    assert shop.weights() == HELD_BACK
    shop.run(held)
    assert shop.outcome(held) == ("PROMOTED", "every step passed")
    assert shop.unsafe() == []


class Died(BaseException):
    """The Lambda environment is gone."""


@pytest.mark.parametrize("seconds", [1, 13])
def test_a_deploy_waits_for_an_order_that_may_still_arrive(aws: Aws, shop: Shop, seconds: float) -> None:
    """The shift to the hold-back has announced its order, and its Lambda dies."""
    execution = shop.begin("v2", "ShiftTraffic", index=HELD)

    def die() -> None:
        aws.clock.call_at(aws.clock.now() + seconds, lambda: shop.set_weights(a=2, b=98))
        raise Died

    aws.interrupt("UpdateEndpointWeightsAndCapacities", die)
    with pytest.raises(Died):
        execution.repeat()
    aws.before_call = None
    shop.deploy("v3")
    aws.wait(60)
    assert shop.weights() == PROMOTED


def test_an_abort_ends_it_and_the_release_keeps_its_traffic(aws: Aws, shop: Shop, held: Execution) -> None:
    shop.ledger.halt(held.name, "enough seen", aws.clock.now())
    shop.run(held)
    assert held.status == "SUCCEEDED"
    assert shop.outcome(held) == ("PROMOTED", "every step passed; the hold-back ended before its time: enough seen")
    assert shop.weights() == PROMOTED
    assert shop.unsafe() == []


def test_an_alarm_is_stronger_than_an_abort(aws: Aws, shop: Shop, held: Execution) -> None:
    shop.ledger.halt(held.name, "enough seen", aws.clock.now())
    shop.panic("b-errors")
    shop.run(held)
    assert shop.outcome(held)[0] == "ROLLED_BACK"
    assert shop.weights() == ROLLED_BACK
    assert shop.unsafe() == []


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_an_execution_that_died_leaves_the_release_its_traffic(shop: Shop, held: Execution, status: str) -> None:
    shop.stop(held)
    shop.restore(held.name, status)
    assert shop.outcome(held)[0] == "PROMOTED"
    assert shop.weights() == PROMOTED
    assert shop.unsafe() == []


def test_one_that_died_unseen_is_ended_by_the_clock(shop: Shop, held: Execution) -> None:
    shop.stop(held)
    shop.look_for_what_was_left()
    assert shop.outcome(held)[0] == "PROMOTED"
    assert shop.unsafe() == []


def test_what_is_not_against_the_release_takes_nothing_while_the_ledger_is_away(
    aws: Aws, shop: Shop, held: Execution
) -> None:
    assert EndpointTooSlow.__name__ not in AGAINST_A_PROMOTED
    held.fail_with(EndpointTooSlow.__name__, "the weights did not come")
    aws.fail("GetItem", UNAVAILABLE, times=3)
    shop.run(held)
    assert shop.outcome(held)[0] == "PROMOTED"
    assert all(weight != ROLLED_BACK[B] for weight in _given_to_canary(aws)), "the canary lost no traffic"
    assert shop.unsafe() == []


def _given_to_canary(aws: Aws) -> list[float]:
    calls = aws.asked("UpdateEndpointWeightsAndCapacities")
    weights = [{row["VariantName"]: row["DesiredWeight"] for row in c["DesiredWeightsAndCapacities"]} for c in calls]
    return [asked[B] for asked in weights]


def test_a_hand_that_took_all_its_traffic_is_obeyed(shop: Shop, held: Execution) -> None:
    shop.set_weights(a=100, b=0)
    shop.wait_until_quiet()
    shop.run(held)
    assert shop.outcome(held)[0] == "NOT_JUDGED"
    assert shop.weights() == ROLLED_BACK
    assert shop.unsafe() == []


CALLS = ["DescribeEndpoint", "UpdateEndpointWeightsAndCapacities", "GetItem", "UpdateItem", "DeleteItem", "PutEvents"]


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("effect", ["before its effect", "after its effect"])
@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_call_that_fails_when_it_begins_is_made_good(
    aws: Aws, shop: Shop, operation: str, effect: str, nth: int
) -> None:
    execution = shop.begin("v2", "Promote")
    _fail_once(aws, operation, nth, after_effect=effect.startswith("after"))
    shop.run(execution)
    _is_over(aws, shop, execution, outcome="PROMOTED")


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("effect", ["before its effect", "after its effect"])
@pytest.mark.parametrize("nth", [0, 1, 2])
@pytest.mark.parametrize("against", [False, True], ids=["abort", "alarm"])
def test_a_call_that_fails_when_it_is_ended_is_made_good(
    aws: Aws, shop: Shop, held: Execution, operation: str, effect: str, nth: int, *, against: bool
) -> None:
    if against:
        _fail_once(aws, operation, nth, after_effect=effect.startswith("after"))
        shop.panic("b-errors")
    else:
        shop.ledger.halt(held.name, "enough seen", aws.clock.now())
        _fail_once(aws, operation, nth, after_effect=effect.startswith("after"))
    shop.run(held)
    _is_over(aws, shop, held, outcome="ROLLED_BACK" if against else "PROMOTED")


@pytest.mark.parametrize("call", range(1, 16))
@pytest.mark.parametrize("task", ["Promote", "ShiftTraffic", "Evaluate"])
def test_a_stop_at_any_moment_ends_on_one_side(aws: Aws, shop: Shop, task: str, call: int) -> None:
    """The stopped execution's Lambda runs on, and the restore path runs beside it."""
    execution = shop.begin("v2", task, index=HELD - (task == "Promote"))

    def stopped() -> None:
        shop.stop(execution)
        shop.restore(execution.name)

    aws.interrupt("", stopped, nth=call)
    execution.advance()
    aws.before_call = None
    if execution.status == "RUNNING":
        stopped()
    undecided = task == "Promote" and shop.outcome(execution)[0] == "NOT_JUDGED"
    _is_over(aws, shop, execution, outcome="NOT_JUDGED" if undecided else "PROMOTED")
    release = shop.ledger.release("v2")
    assert release is not None
    assert (release.outcome == "PROMOTED") is not undecided


@pytest.mark.parametrize("call", range(1, 16))
@pytest.mark.parametrize("task", ["ShiftTraffic", "Evaluate"])
def test_what_an_alarm_took_at_any_moment_stays_taken(aws: Aws, shop: Shop, task: str, call: int) -> None:
    """Panic and the restore path run to their ends while the hold-back's own handler is in the middle of a task."""
    execution = shop.begin("v2", task, index=HELD)

    def taken() -> None:
        shop.panic("business")
        shop.stop(execution)
        shop.restore(execution.name)

    aws.interrupt("", taken, nth=call)
    execution.advance()
    aws.before_call = None
    if execution.status == "RUNNING":
        taken()
    shop.wait_until_quiet()
    _is_over(aws, shop, execution, outcome="ROLLED_BACK")


def _fail_once(aws: Aws, operation: str, nth: int, *, after_effect: bool) -> None:
    skipped = iter(range(100_000))
    aws.fail(operation, UNAVAILABLE, after_effect=after_effect, when=lambda _: next(skipped) == nth)


def _is_over(aws: Aws, shop: Shop, execution: Execution, *, outcome: str) -> None:
    """One side has all the traffic, the ledger says which, everything else rests by it, and the end was told."""
    aws.heal()
    if execution.status == "FAILED":
        shop.restore(execution.name, "FAILED")
    assert shop.outcome(execution)[0] == outcome, shop.outcome(execution)
    assert shop.weights() == (PROMOTED if outcome == "PROMOTED" else ROLLED_BACK)
    assert shop.unsafe() == []
    assert told(aws)[-1] == {"PROMOTED": "Promoted", "ROLLED_BACK": "Rolled Back", "NOT_JUDGED": "Not Judged"}[outcome]
