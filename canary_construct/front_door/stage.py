"""The stage of a front door: its variables hold the cohort rule and the release in each variant.

Values of stage variables may hold letters, digits and `-._~:/?#&=,`. Source:
https://docs.aws.amazon.com/apigateway/latest/developerguide/amazon-api-gateway-using-stage-variables.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from rollout.contract.stage_variables import AT_REST

from canary_construct.border.texts import check_text
from canary_construct.props.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs import Construct

RELEASES = "releases"
"""The stage variable that names the release in each variant; every deploy sets it."""
_WEB_ACL = re.compile(r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/\S+/\S+")
_STAGE_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def stage_variables(release_in: Callable[[Slot], str]) -> dict[str, str]:
    """Return the variables as a deploy sets them, with the version label of the release in each slot."""
    releases = ",".join(f"{slot.value}={release_in(slot)}" for slot in Slot)
    return {**AT_REST, RELEASES: releases}


def stage_options(
    *,
    stage_name: str,
    rate_limit: float,
    burst_limit: int,
    variables: dict[str, str],
    access_log: logs.ILogGroup | None,
) -> apigateway.StageOptions:
    """Return the stage with its limits, and with logs that hold no bodies if they have a place.

    API Gateway refuses a stage with logs while its account has no role for them. Source:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    return apigateway.StageOptions(
        stage_name=stage_name,
        throttling_rate_limit=rate_limit,
        throttling_burst_limit=burst_limit,
        variables=variables,
        data_trace_enabled=False,
        metrics_enabled=True,
        **({} if access_log is None else _logged_in(access_log)),
    )


def own_access_log(scope: Construct) -> logs.LogGroup:
    """Declare the access log of one stage."""
    return logs.LogGroup(
        scope, "AccessLog", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
    )


def _logged_in(access_log: logs.ILogGroup) -> dict[str, Any]:
    return {
        "access_log_destination": apigateway.LogGroupLogDestination(access_log),
        "access_log_format": apigateway.AccessLogFormat.json_with_standard_fields(
            caller=True,
            http_method=True,
            ip=True,
            protocol=True,
            request_time=True,
            resource_path=True,
            response_length=True,
            status=True,
            user=True,
        ),
        "logging_level": apigateway.MethodLoggingLevel.ERROR,
    }


def check_same_stack(scope: Construct, endpoint: Construct) -> None:
    """Refuse a front door in another stack than its endpoint's: each would need the other one first.

    Raises:
        ValueError: when they are in different stacks.
    """
    if Stack.of(scope) is not Stack.of(endpoint):
        names = Stack.of(endpoint).node.path, Stack.of(scope).node.path
        raise ValueError("an EndpointApi must be in its endpoint's stack {}, got stack {}".format(*names))


def check_stage(*, stage_name: str, rate_limit: float, burst_limit: int, web_acl_arn: str | None) -> None:
    """Refuse what API Gateway would refuse at deploy time.

    Raises:
        ValueError: when the name has other characters, a limit would let nobody through, or the web ACL is none for a
            stage.

    Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html,
    https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
    """
    if not _STAGE_NAME.fullmatch(stage_name):
        raise ValueError(f"stage_name must be 1 to 128 letters, digits, hyphens or underscores, got {stage_name!r}")
    if rate_limit <= 0:
        raise ValueError(f"rate_limit must be more than 0 requests a second, got {rate_limit}")
    if burst_limit < 1:
        raise ValueError(f"burst_limit must be at least 1 request, got {burst_limit}")
    if web_acl_arn is not None:
        allowed = "be of a regional web ACL, arn:aws:wafv2:<region>:<account>:regional/webacl/<name>/<id>"
        check_text("web_acl_arn", web_acl_arn, _WEB_ACL, allowed)
