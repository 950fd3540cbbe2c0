"""Questions to IAM."""

import json
import time
from typing import Any

from botocore.exceptions import ClientError
from rollout.contract.names import SCALED_SERVICE, SLOTS

from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import NotAsked, Scene
from canary_tools.acceptance.waiting import wait_for

_POLICY = "probe"
_PATIENCE_SECONDS = 120.0
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "InvalidClientTokenId"}


def policy_delay(scene: Scene) -> Said:
    """Measure how long after it was attached a policy takes effect, with a role that is made for it.

    Raises:
        NotAsked: the caller may not make roles, or the policy had no effect for two minutes.
    """
    iam, name = scene.client("iam"), f"{scene.endpoint_name}-probe"
    role = _make_role(iam, name, scene)
    cloudwatch = _as_role(scene, role, "cloudwatch")
    iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=_policy(_allow("cloudwatch:DescribeAlarms")))
    began = time.monotonic()
    try:
        wait_for(lambda: _allowed(cloudwatch), what="the policy's effect", seconds=_PATIENCE_SECONDS, look_again=0.5)
    except TimeoutError as error:
        raise NotAsked(str(error)) from error
    seconds = time.monotonic() - began
    return Said(sentence=f"{seconds:.1f} s", value=round(seconds, 1))


def narrow_registration(scene: Scene) -> Said:
    """Ask whether a role may register a scalable target that has the SageMaker actions on this endpoint alone.

    The handlers have them on every endpoint, for the calls that AWS makes for them. The bounds are registered as they
    are. A role whose policy takes effect late is denied at first; one that is denied for two minutes is refused.

    Raises:
        NotAsked: the caller may not make roles, or the endpoint has no scalable target.
    """
    iam, name = scene.client("iam"), f"{scene.endpoint_name}-narrow"
    role = _make_role(iam, name, scene)
    iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=_policy(*_narrow_statements(scene)))
    target, scaling = _first_target(scene), _as_role(scene, role, "application-autoscaling")
    refusals: list[str] = []

    def registered() -> bool | None:
        try:
            scaling.register_scalable_target(**target)
        except ClientError as error:
            refusals.append(str(error))
            return None
        return True

    try:
        wait_for(registered, what="a registration", seconds=_PATIENCE_SECONDS, look_again=2.0)
    except TimeoutError:
        return Said(sentence=refusals[-1], value="refused")
    return Said(sentence="the registration was taken", value="taken")


def _narrow_statements(scene: Scene) -> list[dict[str, Any]]:
    account = scene.account
    sagemaker = f"arn:{account.partition}:sagemaker:{account.region}:{account.number}"
    weights = ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"]
    return [
        _allow("application-autoscaling:RegisterScalableTarget"),
        _allow("sagemaker:DescribeEndpointConfig", resource=f"{sagemaker}:endpoint-config/*"),
        _allow(*weights, resource=f"{sagemaker}:endpoint/{scene.endpoint_name}"),
    ]


def _first_target(scene: Scene) -> dict[str, Any]:
    """Return a scalable target of the endpoint as it is registered."""
    known = ("ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity")
    targets = scene.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace=SCALED_SERVICE, ResourceIds=[f"endpoint/{scene.endpoint_name}/variant/{SLOTS[0]}"]
    )["ScalableTargets"]
    if not targets:
        raise NotAsked("the endpoint has no scalable target")
    return {name: targets[0][name] for name in known}


def _make_role(iam: Any, name: str, scene: Scene) -> str:
    caller = f"arn:{scene.account.partition}:iam::{scene.account.number}:root"
    trust = {"Effect": "Allow", "Principal": {"AWS": caller}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    scene.undoing.add(f"the role {name}", lambda: _remove_role(iam, name))
    return str(role["Role"]["Arn"])


def _remove_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _as_role(scene: Scene, role: str, service: str) -> Any:
    """Return a client with the role's credentials; a new role can be assumed after some seconds only."""
    sts = scene.client("sts")

    def assumed() -> Any:
        try:
            return sts.assume_role(RoleArn=role, RoleSessionName=_POLICY)["Credentials"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED:
                return None
            raise

    found = wait_for(assumed, what="a role that can be assumed", seconds=_PATIENCE_SECONDS, look_again=1.0)
    return scene.account.make_client_as(service, found)


def _allowed(cloudwatch: Any) -> bool | None:
    try:
        cloudwatch.describe_alarms(MaxRecords=1)
    except ClientError as error:
        if error.response["Error"]["Code"] in _DENIED:
            return None
        raise
    return True


def _allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
