import pytest
from rollout.contract.errors import LockLost, SmokeTestFailed, Unavailable

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, A, B
from tests.lambdas.fakes.shop import Shop

FAILED = ApiError("ModelError", "Received server error (500) from primary", status=424)


@pytest.fixture
def smoking(serving: Shop) -> Execution:
    """The rollout of v2, about to ask the canary for the first time."""
    return serving.begin("v2", "SmokeTest")


def test_every_payload_goes_to_the_canary_at_weight_0(aws: Aws, serving: Shop, smoking: Execution) -> None:
    assert smoking.repeat() == {"passed": 1}
    assert aws.runtime.requests == [
        {"EndpointName": ENDPOINT, "TargetVariant": B, "Body": b"{}", "ContentType": "application/json"}
    ]
    assert serving.weights() == {A: 100, B: 0}


def test_a_failing_model_ends_the_rollout_before_any_user_saw_it(aws: Aws, serving: Shop, smoking: Execution) -> None:
    aws.runtime.failures[B] = FAILED
    serving.run(smoking)
    outcome, reason = serving.outcome(smoking)
    assert outcome == "ROLLED_BACK"
    assert [request["TargetVariant"] for request in aws.runtime.requests] == [B, B, A]
    assert reason.startswith("smoke test 1 of 1 was not answered: ")
    assert "Received server error (500) from primary" in reason
    assert aws.asked("UpdateEndpointWeightsAndCapacities") == []
    assert serving.unsafe() == []


def test_one_failure_by_chance_does_not_end_a_rollout(aws: Aws, smoking: Execution) -> None:
    aws.fail("InvokeEndpoint", FAILED)
    assert smoking.repeat() == {"passed": 1}
    assert len(aws.asked("InvokeEndpoint")) == 2


def test_a_payload_that_stable_cannot_answer_either_says_nothing_of_the_release(
    aws: Aws, serving: Shop, smoking: Execution
) -> None:
    aws.runtime.failures |= {A: FAILED, B: FAILED}
    serving.run(smoking)
    outcome, reason = serving.outcome(smoking)
    assert outcome == "NOT_JUDGED"
    assert reason.startswith("smoke test 1 of 1 was not answered by the release that serves either: ")
    assert aws.asked("UpdateEndpointWeightsAndCapacities") == []
    assert serving.unsafe() == []

    # The label is not spent: with another payload the same version may be tried again
    aws.runtime.failures.clear()
    serving.deploy("v2")
    again = serving.begin("v2", "Promote")
    serving.run(again)
    assert serving.outcome(again)[0] == "PROMOTED"


def test_nobody_is_blamed_while_stable_cannot_be_asked(aws: Aws, smoking: Execution) -> None:
    aws.runtime.failures |= {A: UNAVAILABLE, B: FAILED}
    with pytest.raises(Unavailable):
        smoking.repeat()


@pytest.mark.parametrize("error", [THROTTLED, UNAVAILABLE])
def test_a_request_that_sagemaker_does_not_let_through_says_nothing_of_the_model(
    aws: Aws, serving: Shop, smoking: Execution, error: ApiError
) -> None:
    aws.fail("InvokeEndpoint", error, times=20)
    serving.run(smoking, "ScaleCanary")
    assert smoking.task == "ScaleCanary"
    assert smoking.failure is None


def test_an_answer_of_another_variant_proves_nothing(aws: Aws, smoking: Execution) -> None:
    aws.runtime.answered_by = A
    with pytest.raises(SmokeTestFailed, match="smoke test 1 was answered by variant-a, not by variant-b"):
        smoking.repeat()


def test_without_the_lock_nothing_is_asked(aws: Aws, serving: Shop, smoking: Execution) -> None:
    serving.ledger.free(smoking.name)
    with pytest.raises(LockLost):
        smoking.repeat()
    assert aws.runtime.requests == []
