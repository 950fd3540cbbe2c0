"""A share that moves within a step, against each invariant: what comes late, twice, or after the end."""

from contextlib import suppress

import pytest
from rollout.contract.errors import RolloutError, Unavailable

from tests.lambdas.fakes.aws import UNAVAILABLE, Aws
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.paced import brake, ordered, paced_shop, run_until_share
from tests.lambdas.fakes.shop import Shop


@pytest.fixture
def paced(aws: Aws) -> Shop:
    return paced_shop(aws)


@pytest.fixture
def execution(paced: Shop) -> Execution:
    """The rollout of v2, before its first share."""
    return paced.begin("v2", "ScaleCanary")


def test_a_shift_of_an_older_share_does_not_undo_a_brake(aws: Aws, paced: Shop, execution: Execution) -> None:
    """Its answer was lost, and it hangs before its announcement until a newer share is in force."""
    run_until_share(paced, execution, 2, until="ShiftTraffic")
    late = execution.invocation()

    def the_rollout_goes_on() -> None:
        run_until_share(paced, execution, 2)
        brake(paced, execution)
        run_until_share(paced, execution, 0)

    aws.interrupt("UpdateItem", the_rollout_goes_on)
    with suppress(RolloutError):
        late()
    paced.wait_until_quiet()
    assert ordered(aws)[-1] == execution.step["exposure"]["percent"] < 1


def test_a_share_is_lowered_though_cloudwatch_does_not_answer(aws: Aws, paced: Shop, execution: Execution) -> None:
    """Traffic first: the states of the alarms can only hold a raise."""
    run_until_share(paced, execution, 2)
    brake(paced, execution)
    aws.fail("DescribeAlarms", UNAVAILABLE, times=100)
    execution.advance()
    assert ordered(aws)[-1] == execution.step["exposure"]["percent"] < 1


def test_a_share_is_not_raised_while_cloudwatch_does_not_answer(aws: Aws, paced: Shop, execution: Execution) -> None:
    run_until_share(paced, execution, 2, until="ShiftTraffic")
    aws.fail("DescribeAlarms", UNAVAILABLE, times=100)
    asked = ordered(aws)
    execution.advance()
    assert isinstance(execution.errors[-1], Unavailable)
    assert ordered(aws) == asked
