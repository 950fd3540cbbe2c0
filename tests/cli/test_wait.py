"""The exit status of `canary wait` tells a pipeline how its release fared."""

import pytest
from botocore import exceptions as boto

from canary_tools.aws_models.api.errors import ApiError
from tests.cli.fake import Terminal
from tests.lambdas.fakes.settings import ENDPOINT
from tests.lambdas.fakes.shop import Shop

PROMOTED, ROLLED_BACK, NOT_JUDGED, NOTHING, STILL_RUNNING = 0, 1, 3, 4, 5


def ends(terminal: Terminal, *words: str) -> tuple[int, str]:
    result = terminal.canary("wait", *words)
    return result.exit_code, " ".join(result.stdout.split())


def test_a_promoted_release(shop: Shop, terminal: Terminal) -> None:
    shop.promote("v2")
    assert ends(terminal, "v2") == (PROMOTED, "v2 is promoted: every step passed")


@pytest.mark.parametrize(("error", "status"), [("GateFailed", ROLLED_BACK), ("CapacityUnavailable", NOT_JUDGED)])
def test_a_release_that_was_not_promoted(shop: Shop, terminal: Terminal, error: str, status: int) -> None:
    execution = shop.begin("v2", "Evaluate")
    execution.fail_with(error, "so it was")
    shop.run(execution)
    word = {ROLLED_BACK: "rolled back", NOT_JUDGED: "not judged"}[status]
    assert ends(terminal, "v2") == (status, f"v2 is {word}: so it was")


@pytest.mark.parametrize(
    "why", ["[prod] checkout is in ALARM", "no such file: [/opt/ml/model]", "arn:aws:kms:key:1 [#47]"]
)
def test_a_reason_is_printed_as_it_is(shop: Shop, terminal: Terminal, why: str) -> None:
    execution = shop.begin("v2", "Evaluate")
    execution.fail_with("CapacityUnavailable", why)
    shop.run(execution)
    assert ends(terminal, "v2") == (NOT_JUDGED, f"v2 is not judged: {why}")
    for command in ("history", "status"):
        assert why in terminal.canary(command).stdout


def test_it_waits_for_a_rollout_that_runs(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate")
    terminal.operated.aws.interrupt("GetItem", lambda: shop.run(execution), nth=3)
    assert ends(terminal, "v2")[0] == PROMOTED


def test_it_waits_from_the_deploy_on_until_the_rollout_has_begun_and_ended(shop: Shop, terminal: Terminal) -> None:
    shop.deploy("v2")

    def settle_and_run() -> None:
        shop.settle()
        execution = shop.running()
        assert execution is not None
        shop.run(execution)

    terminal.operated.aws.interrupt("GetItem", settle_and_run, nth=3)
    assert ends(terminal, "v2")[0] == PROMOTED


def test_the_end_of_an_earlier_attempt_is_not_taken_for_the_present_one(shop: Shop, terminal: Terminal) -> None:
    first = shop.begin("v2", "Evaluate")
    first.fail_with("CapacityUnavailable", "no instances")
    shop.run(first)
    shop.deploy("v2")

    def settle_and_run() -> None:
        shop.settle()
        second = shop.running()
        assert second is not None
        shop.run(second)

    terminal.operated.aws.interrupt("GetItem", settle_and_run, nth=3)
    assert ends(terminal, "v2")[0] == PROMOTED


def test_the_first_release_needs_no_rollout(terminal: Terminal) -> None:
    assert ends(terminal, "v1") == (PROMOTED, "v1 serves all the traffic; it needed no rollout")


def test_a_version_that_nobody_deployed(terminal: Terminal) -> None:
    assert ends(terminal, "v9") == (NOTHING, "no deploy has declared version v9")


def test_a_rollout_of_another_release_is_not_waited_for(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    assert ends(terminal, "v9")[0] == NOTHING


def test_after_its_time_out_it_says_that_the_rollout_goes_on(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    status, sentence = ends(terminal, "v2", "--timeout", "1")
    assert (status, sentence) == (STILL_RUNNING, "v2 is still open after 60 s; the rollout goes on")


def test_machines_get_the_same_as_json(shop: Shop, terminal: Terminal) -> None:
    shop.promote("v2")
    assert terminal.json("wait", "v2") == {
        "status": "DONE", "sentence": "v2 is promoted: every step passed", "execution": "v2-1", "version": "v2",
    }  # fmt: skip
    assert ENDPOINT == "shop"


@pytest.mark.parametrize(
    "error",
    [
        ApiError("ThrottlingException", "Rate exceeded"),
        ApiError("InternalServerError", "away", status=500),
        boto.EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=["throttled", "away", "no connection"],
)
def test_it_waits_on_while_aws_does_not_answer(shop: Shop, terminal: Terminal, error: Exception) -> None:
    execution = shop.begin("v2", "Evaluate")
    terminal.operated.fail("Query", error, between=(60, 600))
    terminal.operated.later(900, lambda: shop.run(execution))
    assert ends(terminal, "v2")[0] == PROMOTED


def test_it_does_not_wait_for_an_outage_of_hours(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    terminal.operated.fail("Query", ApiError("InternalServerError", "away", status=500), between=(60, 90_000))
    status, _ = ends(terminal, "v2")
    assert status == 2


def test_a_permission_that_is_taken_away_ends_it_at_once(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate")
    began_at = shop.aws.clock.now()
    terminal.operated.fail("Query", ApiError("AccessDeniedException", "no"), between=(60, 90_000))
    assert ends(terminal, "v2")[0] == 2
    assert shop.aws.clock.now() < began_at + 120
