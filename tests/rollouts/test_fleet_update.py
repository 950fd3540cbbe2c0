"""SageMaker's own guardrail: it swaps the fleet in steps, and an alarm sends the old fleet back into service."""

from rollout.contract.names import PROMOTED

from tests.rollouts.declaring import Declaration, fleet_alarm
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import LOOK_AGAIN_SOON_SECONDS, eventually


def test_an_alarm_sends_the_fleet_back_and_the_next_deploy_is_rolled_out(shop: DeployedShop) -> None:
    # Given an endpoint whose fleet is swapped in two steps
    shop.deploy(Declaration(version="v1", fleet_watched=True))
    before, models = shop.comes_to_rest(stable=A), shop.models()
    v2, alarm = Declaration(version="v2", fleet_watched=True), fleet_alarm(shop.name)

    # When the team's alarm is raised while SageMaker swaps the fleet
    shop.begin_to_deploy(v2)
    eventually(lambda: shop.look().status == "Updating", what="a new fleet", look_again_seconds=LOOK_AGAIN_SOON_SECONDS)
    began_at = shop.raise_alarm(alarm)
    status = eventually(shop.ended_status, what="the end of the deploy")

    # Then the deploy fails with a sentence that names it, nothing is rolled out, and all is as before
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert f"SageMaker did not move endpoint {shop.name} to endpoint config" in shop.failures_since(began_at)
    assert f"of the alarms that SageMaker watched meanwhile, {alarm} is in ALARM" in shop.failures_since(began_at)
    assert shop.comes_to_rest(stable=A) == before
    assert shop.models() == models
    assert shop.rollout("v2") is None

    # When the alarm is over, then the same release is deployed in two steps, and promoted
    shop.stage.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="by hand")
    shop.deploy(v2)
    assert shop.rollout_ends("v2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)
