"""What a deleted stack leaves behind: nothing."""

import pytest

from examples.recommender.rollouts import ROLLED_BACK
from tests.rollouts.declaring import Declaration
from tests.rollouts.shop import Shop
from tests.rollouts.slots import A, scalable_targets

pytestmark = pytest.mark.xdist_group("rollouts")


def test_a_stack_at_rest_leaves_nothing_behind(shop: Shop) -> None:
    # Given models and configs that CloudFormation replaced and kept
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2", environment=(("FAILS_SMOKE_TEST", "yes"),)))
    assert shop.rollout_ends("v2").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=A)
    assert len(shop.kept_models()) == len(("v1", "v2"))

    shop.delete()

    assert _left(shop) == []


def test_a_stack_in_the_middle_of_a_rollout_leaves_nothing_behind(shop: Shop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))
    shop.rollout_reaches("v2", 100)

    shop.delete()

    assert _left(shop) == []


def _left(shop: Shop) -> list[str]:
    listings = [
        ("sagemaker", "list_models", "Models", "ModelName"),
        ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
        ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        ("logs", "describe_log_groups", "logGroups", "logGroupName"),
        ("lambda", "list_functions", "Functions", "FunctionName"),
        ("iam", "list_roles", "Roles", "RoleName"),
        ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    ]
    left = [name for listing in listings for name in shop.named(*listing)]
    tables = shop.stage.client("dynamodb").list_tables()["TableNames"]
    rules = shop.stage.client("events").list_rules(NamePrefix=f"{shop.name}-")["Rules"]
    left += [table for table in tables if table.startswith(f"{shop.name}-")]
    return [*left, *(rule["Name"] for rule in rules), *map(str, scalable_targets(shop.stage, shop.name))]
