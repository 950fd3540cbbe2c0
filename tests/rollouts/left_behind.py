"""What AWS still has of a stack that is gone."""

from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import scalable_targets


def left_behind(shop: DeployedShop) -> list[str]:
    """Return the names of what was made for a stack and its endpoint and still exists."""
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
