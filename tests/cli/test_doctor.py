"""`canary doctor` says whether a release could start now."""

import pytest

from canary_tools.aws_models.api.errors import ApiError
from tests.cli.fake import LARGER, Terminal
from tests.lambdas.fakes.shop import Shop


def found(terminal: Terminal) -> dict[str, tuple[str, str]]:
    return {each["check"]: (each["state"], each["sentence"]) for each in terminal.json("doctor")}


def test_when_nothing_is_in_the_way_everything_is_fine(shop: Shop, terminal: Terminal) -> None:
    shop.serve_for(600)
    seen = found(terminal)
    assert {check: state for check, (state, _) in seen.items()} == dict.fromkeys(
        ("permissions", "endpoint", "lock", "release", "alarms", "metrics", "scaling", "quota"), "fine"
    )
    assert terminal.canary("doctor").exit_code == 0


def test_a_rollout_holds_the_lock(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    state, sentence = found(terminal)["lock"]
    assert state == "blocks"
    assert sentence.startswith("rollout v2-1 holds the lock since ")
    assert terminal.canary("doctor").exit_code == 6


def test_a_dead_rollout_holds_the_lock(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    shop.stop(execution)
    assert "does not run; it is ended within 15 minutes" in found(terminal)["lock"][1]


def test_the_weights_of_another_hand(shop: Shop, terminal: Terminal) -> None:
    shop.set_weights(a=50, b=50)
    shop.wait_until_quiet()
    state, sentence = found(terminal)["endpoint"]
    assert state == "blocks"
    assert "exactly one variant of endpoint shop must have all the weight" in sentence


@pytest.mark.parametrize(
    ("alarm", "state", "found_state", "says"),
    [
        ("business", "ALARM", "blocks", "business in ALARM"),
        ("b-errors", "ALARM", "look", "a rollout waits for it to end"),
        ("business", "INSUFFICIENT_DATA", "look", "no step passes while that lasts"),
        ("business", None, "blocks", "business do not exist any more"),
    ],
)
def test_alarms(shop: Shop, terminal: Terminal, alarm: str, state: str | None, found_state: str, says: str) -> None:
    if state is None:
        del shop.aws.cloudwatch.alarms[alarm]
    else:
        shop.aws.cloudwatch.alarms[alarm] = state
    seen = found(terminal)["alarms"]
    assert seen[0] == found_state
    assert says in seen[1]


def test_an_alarm_of_the_slot_that_serves_does_not_count(shop: Shop, terminal: Terminal) -> None:
    shop.aws.cloudwatch.alarms["a-errors"] = "ALARM"
    assert found(terminal)["alarms"][0] == "fine"


def test_metrics_that_do_not_come(terminal: Terminal) -> None:
    assert found(terminal)["metrics"][0] == "look"


def test_a_rejected_release(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    execution.fail_with("GateFailed", "worse")
    shop.run(execution)
    state, sentence = found(terminal)["release"]
    assert (state, sentence) == (
        "blocks", "v2 was rolled back, so it cannot start again; deploy it under a new version",
    )  # fmt: skip


def test_too_small_a_quota(terminal: Terminal) -> None:
    terminal.operated.quota = 3
    assert found(terminal)["quota"] == (
        "blocks", "3 ml.m5.xlarge for endpoints in this account; a rollout of the present traffic needs 4",
    )  # fmt: skip


def quotas(terminal: Terminal) -> list[tuple[str, str]]:
    return [(each["state"], each["sentence"]) for each in terminal.json("doctor") if each["check"] == "quota"]


def test_the_type_of_the_former_release_alone_needs_no_quota(shop: Shop, terminal: Terminal) -> None:
    shop.promote("v2", own_type=LARGER)
    terminal.operated.quota = 4
    assert quotas(terminal) == [
        ("fine", f"4 {LARGER} for endpoints in this account; a rollout of the present traffic needs 4")
    ]


def test_a_release_of_another_type_waits_beside_the_instances_that_serve(shop: Shop, terminal: Terminal) -> None:
    shop.deploy("v2", own_type=LARGER)
    terminal.operated.quota = 2
    assert quotas(terminal) == [
        ("fine", f"2 {LARGER} for endpoints in this account; a rollout of the present traffic needs 2"),
        ("fine", "2 ml.m5.xlarge for endpoints in this account; a rollout of the present traffic needs 2"),
    ]


def test_a_quota_that_aws_does_not_tell_blocks_nothing(terminal: Terminal) -> None:
    terminal.operated.quota = None
    assert found(terminal)["quota"][0] == "not known"
    assert terminal.canary("doctor").exit_code == 0


def test_floors_of_another_hand(shop: Shop, terminal: Terminal) -> None:
    shop.world.scalers.set_size("variant-b", 5)
    shop.wait_until_quiet()
    state, sentence = found(terminal)["scaling"]
    assert state == "look"
    assert sentence.startswith("variant-b has 5 and should have 1")


def test_one_missing_permission_does_not_hide_the_rest(terminal: Terminal) -> None:
    terminal.operated.denied = {"DescribeAlarms"}
    seen = found(terminal)
    assert seen["permissions"][0] == "blocks"
    assert "you have no permission for DescribeAlarms" in seen["permissions"][1]
    assert {"endpoint", "lock", "release", "metrics", "scaling"} <= set(seen)
    assert terminal.canary("doctor").exit_code == 6


def test_a_service_that_does_not_answer_is_not_a_permission(terminal: Terminal) -> None:
    terminal.operated.errors["DescribeAlarms"] = ApiError("InternalFailure", "try again", status=500)
    seen = found(terminal)
    assert seen["alarms"][0] == "not known"
    assert seen["permissions"][0] == "fine"
