"""What a deploy prints: the endpoint, its dashboard, and the command that shows its rollouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Stack, Token

if TYPE_CHECKING:
    from constructs import Construct

CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
"""Sources: https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Ningxia.html,
https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/getting-started-sign-in.html"""


def tell_where_it_is(scope: Construct, *, endpoint_name: str, dashboard_name: str) -> None:
    """Add three outputs to the stack. Their values change with the endpoint's name only, and not with a release."""
    region = Stack.of(scope).region
    dashboard = dashboard_address(scope, dashboard_name)
    for construct_id, value, description in (
        ("EndpointOutput", endpoint_name, "Name of the SageMaker endpoint"),
        ("DashboardOutput", dashboard, "Both variants side by side"),
        (
            "CommandOutput",
            f"canary --region {region} --endpoint {endpoint_name} watch",
            "Shows the rollout; needs canary-construct[cli]",
        ),
    ):
        CfnOutput(scope, construct_id, value=value, description=description)


def dashboard_address(scope: Construct, name: str) -> str:
    """Return the address of a dashboard."""
    region = Stack.of(scope).region
    return f"https://{_console(region)}/cloudwatch/home?region={region}#dashboards/dashboard/{name}"


def executions_address(scope: Construct, state_machine_arn: str) -> str:
    """Return the address of an execution, up to the colon before its name."""
    region, arn = Stack.of(scope).region, state_machine_arn.replace(":stateMachine:", ":execution:")
    return f"https://{_console(region)}/states/home?region={region}#/v2/executions/details/{arn}"


def _console(region: str) -> str:
    known = {} if Token.is_unresolved(region) else CONSOLES
    return next((console for prefix, console in known.items() if region.startswith(prefix)), "console.aws.amazon.com")
