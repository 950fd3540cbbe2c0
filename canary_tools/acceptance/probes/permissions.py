"""Questions to IAM."""

import json
import time
from typing import Any

from botocore.exceptions import ClientError

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
    cloudwatch = _as_role(scene, role)
    iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=_document("cloudwatch:DescribeAlarms"))
    began = time.monotonic()
    try:
        wait_for(lambda: _allowed(cloudwatch), what="the policy's effect", seconds=_PATIENCE_SECONDS, look_again=0.5)
    except TimeoutError as error:
        raise NotAsked(str(error)) from error
    seconds = time.monotonic() - began
    return Said(sentence=f"{seconds:.1f} s", value=round(seconds, 1))


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


def _as_role(scene: Scene, role: str) -> Any:
    """Return a CloudWatch client with the role's credentials; a new role can be assumed after some seconds only."""
    sts = scene.client("sts")

    def assumed() -> Any:
        try:
            return sts.assume_role(RoleArn=role, RoleSessionName=_POLICY)["Credentials"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED:
                return None
            raise

    found = wait_for(assumed, what="a role that can be assumed", seconds=_PATIENCE_SECONDS, look_again=1.0)
    return scene.account.make_client_as("cloudwatch", found)


def _allowed(cloudwatch: Any) -> bool | None:
    try:
        cloudwatch.describe_alarms(MaxRecords=1)
    except ClientError as error:
        if error.response["Error"]["Code"] in _DENIED:
            return None
        raise
    return True


def _document(action: str) -> str:
    return _policy({"Effect": "Allow", "Action": action, "Resource": "*"})


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
