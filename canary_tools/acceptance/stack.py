"""The stack: deployed by `cdk deploy`, read from CloudFormation, deleted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from canary_tools.acceptance.account import Account
from canary_tools.acceptance.cdk import Cdk, CdkFailed
from canary_tools.acceptance.declaration import ENDPOINT_NAME, LEDGER, STACK_NAME, STATE_MACHINE, Declaration
from canary_tools.acceptance.staging import Staging
from canary_tools.acceptance.waiting import wait_for

_GONE = "DELETE_COMPLETE"
_ONLY_REVIEWED = "REVIEW_IN_PROGRESS"
"""A stack whose first change set was made and never executed."""
_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """What came of one `cdk deploy`. Times are seconds since the epoch; `reasons` are of what failed."""

    began_at: float
    ended_at: float
    status: str
    reasons: str
    updated: tuple[str, ...]
    """Types of the resources that CloudFormation updated or created."""

    @property
    def succeeded(self) -> bool:
        """Whether the stack is as it was declared."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


class Stack:
    """The one stack of a run."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account = account
        self._cdk = Cdk(account, folder)
        self._cloudformation = account.make_client("cloudformation")
        self.staging = Staging(account)
        self._stack_id = ""
        self._deploys = 0
        self._outputs: Mapping[str, str] = {}

    def deploy(self, declared: Declaration) -> Deploy:
        """Deploy a declaration, and say what came of it.

        Raises:
            CdkFailed: the template could not be made, or nothing was deployed.
        """
        self._deploys += 1
        name = f"{self._deploys}-{declared.version}"
        out = self._cdk.synthesise(declared, name)
        self.staging.before_deploy(out)
        began_at = time.time()
        failure = self._try(out, name)
        status = self.status()
        if not status or (failure and status == "CREATE_COMPLETE"):
            raise CdkFailed(failure)
        return Deploy(
            began_at=began_at,
            ended_at=time.time(),
            status=status,
            reasons=self._reasons_since(began_at) or failure,
            updated=self._updated_since(began_at),
        )

    def _try(self, out: Path, name: str) -> str:
        try:
            self._cdk.deploy(out, name)
        except CdkFailed as failure:
            return str(failure)
        return ""

    def status(self) -> str:
        """Return the stack's status; empty when there is none, or none any more."""
        found = self._described()
        return str(found["StackStatus"]) if found else ""

    def outputs(self) -> Mapping[str, str]:
        """Return the stack's outputs by name; they never change."""
        if not self._outputs:
            outputs = self._described().get("Outputs", ())
            self._outputs = {output["OutputKey"]: output["OutputValue"] for output in outputs}
        return self._outputs

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name."""
        return self.outputs()[ENDPOINT_NAME]

    @property
    def state_machine(self) -> str:
        """The ARN of the state machine."""
        return self.outputs()[STATE_MACHINE]

    @property
    def ledger(self) -> str:
        """The name of the ledger's table."""
        return self.outputs()[LEDGER]

    def resources(self, kind: str) -> list[str]:
        """Return the physical IDs of the stack's resources of one type."""
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
        found = [row for page in pages for row in page["StackResourceSummaries"]]
        return [row["PhysicalResourceId"] for row in found if row["ResourceType"] == kind]

    def delete(self) -> None:
        """Delete the stack, whatever it is doing; one that does not exist is fine.

        An update that runs is waited for: to cancel it while SageMaker changes the endpoint would leave a stack whose
        rollback fails.

        Raises:
            TimeoutError: CloudFormation did not come to an end.
            ClientError: CloudFormation refused.
        """
        for _ in range(_TRIES):
            if not self._come_to_an_end():
                return
            self._cloudformation.delete_stack(StackName=self._stack_id)
            self._come_to_an_end()

    def _come_to_an_end(self) -> str:
        """Wait until CloudFormation does nothing; return the status then, empty when the stack is gone."""
        pace = self._account.pace
        return wait_for(
            self._ended, what="the end of what CloudFormation does", seconds=pace.deploy, look_again=pace.look_again
        )

    def _ended(self) -> str | None:
        status = self.status()
        working = status.endswith("_IN_PROGRESS") and status != _ONLY_REVIEWED
        return None if working else status

    def _described(self) -> dict[str, Any]:
        """Describe the stack by its ID once that is known, so that a deleted one can still be described."""
        try:
            (found,) = self._cloudformation.describe_stacks(StackName=self._stack_id or STACK_NAME)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return {}
            raise
        self._stack_id = found["StackId"]
        return {} if found["StackStatus"] == _GONE else dict(found)

    def _reasons_since(self, moment: float) -> str:
        failed = [event for event in self._events_since(moment) if event["ResourceStatus"].endswith("FAILED")]
        return "\n".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)

    def _updated_since(self, moment: float) -> tuple[str, ...]:
        done = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        events = [event for event in self._events_since(moment) if event["ResourceStatus"] in done]
        types = {event["ResourceType"] for event in events} - {"AWS::CloudFormation::Stack"}
        return tuple(sorted(types))

    def _events_since(self, moment: float) -> list[dict[str, Any]]:
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self._stack_id)
        events = [event for page in pages for event in page["StackEvents"]]
        return [event for event in reversed(events) if event["Timestamp"].timestamp() >= moment]
