"""A step of CDK Pipelines that is green only when a release was promoted."""

from __future__ import annotations

import re
import shlex

from aws_cdk import Duration, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam

from canary_construct.border import checked
from canary_construct.border.texts import check_text
from canary_construct.props.model_release import check_version

PROFILE = "canary"
LEAST, MOST = Duration.minutes(10), Duration.hours(36)
"""CodeBuild allows 5 minutes to 36 hours. Source:
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html (timeoutInMinutes)"""
MARGIN = Duration.minutes(5)
"""For what comes before the command waits, so that its own time-out says what is the matter."""
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
INSTALL = "pip install 'canary-construct[cli]'"


@checked()
def rollout_step(
    construct_id: str,
    *,
    version: str,
    region: str,
    stack_name: str | None = None,
    endpoint: str | None = None,
    role_arn: str | None = None,
    timeout: Duration | None = None,
    install: str = INSTALL,
) -> pipelines.CodeBuildStep:
    """Return a step that waits for the outcome of a release; give it to `add_stage(post=[…])`.

    It fails when the release was rolled back, not judged, or is open still after `timeout`.

    Args:
        construct_id: of the step, unique in its stage
        version: of the release that the stage deploys
        region: of the endpoint
        stack_name: which endpoint, as with the `canary` command; left out, the only one in the region
        endpoint: its name, where the stack has several; left out, the only one
        role_arn: a role that `grant_operate` was given, in the account of the endpoint, which trusts the pipeline's
            account; left out, the step's own role must have these permissions. Its credentials are renewed, so that it
            may wait longer than a session lasts
        timeout: 10 minutes to 36 hours; left out, 8 hours
        install: the shell command that installs the `canary` command; left out, pip installs this library's

    Raises:
        ValueError: when `timeout` is out of its range or no number of minutes, or `version`, `region` or `role_arn`
            cannot be one.

    Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.pipelines/CodeBuildStep.html
    """
    waits = Duration.hours(8) if timeout is None else timeout
    minutes = waits.to_minutes(integral=False)
    if not LEAST.to_minutes() <= minutes <= MOST.to_minutes():
        raise ValueError(f"timeout must be between 10 minutes and 36 hours, got {minutes:g} minutes")
    if minutes % 1:
        raise ValueError(f"timeout must be a whole number of minutes, got {minutes:g}")
    check_version(version)
    check_text("region", region, _REGION, "be one such as eu-central-1")
    if role_arn is not None:
        check_text("role_arn", role_arn, _ROLE, "be arn:aws:iam::<account>:role/<name>")
    return pipelines.CodeBuildStep(
        construct_id,
        install_commands=[install, *_profile(role_arn)],
        commands=[_command(version, region, stack_name, endpoint, role_arn, waits)],
        role_policy_statements=[] if role_arn is None else [_assuming(role_arn)],
        timeout=waits,
        partial_build_spec=codebuild.BuildSpec.from_object(
            {"phases": {"install": {"runtime-versions": {"python": "3.12"}}}}
        ),
    )


def _command(
    version: str, region: str, stack_name: str | None, endpoint: str | None, role_arn: str | None, waits: Duration
) -> str:
    options = {
        "--region": region,
        "--stack": stack_name,
        "--endpoint": endpoint,
        "--profile": None if role_arn is None else PROFILE,
    }
    said = [word for option, value in options.items() if value is not None for word in (option, value)]
    minutes = waits.to_minutes() - MARGIN.to_minutes()
    return shlex.join(["canary", *said, "wait", version, "--timeout", f"{minutes:g}"])


def _profile(role_arn: str | None) -> list[str]:
    """Return the commands that let the SDK assume the role, again and again, with the credentials of the container.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
    """
    if role_arn is None:
        return []
    values = {"role_arn": role_arn, "credential_source": "EcsContainer"}
    return [shlex.join(["aws", "configure", "set", f"profile.{PROFILE}.{name}", to]) for name, to in values.items()]


def _assuming(role_arn: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[role_arn])
