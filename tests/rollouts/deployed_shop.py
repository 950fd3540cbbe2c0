"""One stack with one endpoint, under a stream of requests: what a test does to it, and what it shows."""

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION
from canary_tools.sandbox.iam.policy_sizes import characters
from examples.recommender.demo.rollouts import Ledger, Rollout, latest_of
from examples.recommender.model.data import USERS
from examples.recommender.shop.senders import RuntimeSender
from examples.recommender.shop.shoppers import Shoppers
from examples.recommender.shop.traffic import Outcome, Request, TrafficLog
from tests.rollouts.declaring import HELD, Declaration, business_alarm, state_machine_name
from tests.rollouts.slots import A, B, Slots, slots_of
from tests.rollouts.stage import LOOK_AGAIN_SOON_SECONDS, Stage, eventually


class DeployedShop:
    """A stack in the sandbox, its endpoint of the same name, and its visitors from the first deploy to the end."""

    def __init__(self, stage: Stage, name: str, *, requests_per_second: float = 6.0) -> None:
        self.stage = stage
        self.name = name
        self.folder = Path()
        self.measured: dict[str, float] = {}
        self.traffic = TrafficLog()
        self.requests_per_second = requests_per_second
        self._visitors: Shoppers | None = None
        self._to_close = ExitStack()
        self._table = ""
        self.stack_id = ""

    def __enter__(self) -> Self:
        self.folder = Path(self._to_close.enter_context(tempfile.TemporaryDirectory(prefix=self.name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._to_close.close()

    # Deploying

    def deploy(self, declaration: Declaration) -> None:
        """Deploy, as a team does whose deploy goes well."""
        status, reasons = self.try_to_deploy(declaration)
        assert status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, f"{status}: {reasons}"
        self.open_to_visitors()

    def refused(self, declaration: Declaration) -> str:
        """Deploy what is refused or fails, and return what the team reads in the stack's events."""
        status, reasons = self.try_to_deploy(declaration)
        assert status == "UPDATE_ROLLBACK_COMPLETE", f"{status}: {reasons}"
        return reasons

    def try_to_deploy(self, declaration: Declaration) -> tuple[str, str]:
        """Create or update the stack; return the status it ends in, and why resources failed."""
        began_at = time.time()
        self.begin_to_deploy(declaration)
        status = eventually(self.ended_status, what=f"the end of the deploy of {declaration.version}")
        return status, self.failures_since(began_at)

    def begin_to_deploy(self, declaration: Declaration) -> None:
        """Create or update the stack, and do not wait."""
        url = self.stage.publish(declaration, self.name)
        change = self._cloudformation.create_stack if self._visitors is None else self._cloudformation.update_stack
        package = [{"ParameterKey": "PackageArn", "ParameterValue": declaration.package}] if declaration.package else []
        answer = change(StackName=self.name, TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"], Parameters=package)
        self.stack_id, self._table = answer["StackId"], ""

    def let_rollout_go_on(self) -> None:
        """Tell a rollout that is held that business is fine."""
        name = business_alarm(self.name)
        self.stage.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="OK", StateReason="by hand")

    def let_go(self) -> None:
        """Let a deploy that is held go on as soon as it waits, and wait for its end."""
        eventually(self._let_go, what="a deploy that waits")
        eventually(self.ended_status, what="the end of the deploy that was held")

    def delete(self) -> None:
        """Send the visitors home and delete the stack; a second call does nothing."""
        self.close_to_visitors()
        self._cloudformation.delete_stack(StackName=self.stack_id)
        status = eventually(self.ended_status, what="the deletion of the stack")
        assert status == "DELETE_COMPLETE", self.failures_since(0)

    def resources(self, kind: str, *, construct_id: str = "") -> list[str]:
        """Return the physical IDs of the stack's resources of one type, under a construct whose ID is unique."""
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [row for page in pages for row in page["StackResourceSummaries"]]
        return [
            row["PhysicalResourceId"]
            for row in found
            if row["ResourceType"] == kind and construct_id in row["LogicalResourceId"]
        ]

    def _let_go(self) -> bool:
        try:
            self._cloudformation.signal_resource(
                StackName=self.name, LogicalResourceId=HELD, UniqueId="go", Status="SUCCESS"
            )
        except self._cloudformation.exceptions.ClientError:
            return False
        return True

    def ended_status(self) -> str:
        """Return the status of the stack; empty while it changes."""
        found = self._cloudformation.describe_stacks(StackName=self.stack_id)["Stacks"][0]
        status: str = found["StackStatus"]
        return "" if status.endswith("IN_PROGRESS") else status

    def failures_since(self, moment: float) -> str:
        """Return why resources failed since a moment, in seconds since the epoch."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack_id)
        return "\n".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for page in pages
            for event in page["StackEvents"]
            if event["ResourceStatus"].endswith("FAILED") and event["Timestamp"].timestamp() >= moment
        )

    # Visiting

    def open_to_visitors(self) -> None:
        """Begin the stream of requests; a second call does nothing."""
        if self._visitors is None:
            self._visitors = Shoppers(
                RuntimeSender(self.stage.shopping_client(), self.name),
                users=USERS,
                log=self.traffic,
                requests_per_second=self.requests_per_second,
            )
            self._visitors.start()
            self._to_close.callback(self._visitors.stop)

    def close_to_visitors(self) -> None:
        """Stop the stream of requests, and wait for the answers that are under way."""
        self._to_close.close()

    def unanswered(self) -> list[Request]:
        """Return the requests that nobody answered."""
        return [request for request in self.traffic.all() if request.outcome is Outcome.UNANSWERED]

    def visitors_of(self, version: str) -> list[Request]:
        """Return the requests that reached a release, well answered or not."""
        return [request for request in self.traffic.all() if request.version == version]

    # Looking

    def look(self) -> Slots:
        """Describe the endpoint and its scalable targets."""
        return slots_of(self.stage, self.name)

    def models(self) -> dict[str, str]:
        """Return the name of the model in each slot."""
        sagemaker = self.stage.client("sagemaker")
        config = sagemaker.describe_endpoint_config(EndpointConfigName=self.look().config_name)
        return {variant["VariantName"]: variant["ModelName"] for variant in config["ProductionVariants"]}

    def kept_models(self) -> set[str]:
        """Return the names of all models of the stack that exist, in a slot or not."""
        return set(self.named("sagemaker", "list_models", "Models", "ModelName"))

    def kept_configs(self) -> set[str]:
        """Return the names of all endpoint configs of the stack that exist."""
        return set(self.named("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"))

    def named(self, service: str, operation: str, rows: str, name: str) -> list[str]:
        """List what has the stack's name, or one that CloudFormation made out of it."""
        pages = self.stage.client(service).get_paginator(operation).paginate()
        found: list[str] = [row[name] for page in pages for row in page[rows]]
        return [each for each in found if each == self.name or f"{self.name}-" in each]

    def comes_to_rest(self, *, stable: str, floor: int = 2, idle_floor: int = 1) -> Slots:
        """Wait until one slot has all the weight, floors follow roles, scaling works and the lock is free.

        Return the endpoint then.
        """
        idle = B if stable == A else A

        def rests() -> Slots | None:
            slots = self.look()
            at_rest = (
                slots.status == "InService"
                and slots.weights == {stable: 100, idle: 0}
                and slots.floors == {stable: floor, idle: idle_floor}
                and not slots.suspended
                and self.lock() is None
            )
            return slots if at_rest else None

        return eventually(rests, what=f"rest with {stable} in service", otherwise=lambda: (self.look(), self.lock()))

    # The ledger

    def lock(self) -> dict[str, Any] | None:
        """Return the record of the lock; `None` when nobody holds it."""
        item = self.stage.client("dynamodb").get_item(
            TableName=self.ledger_table(), Key=self._lock_key(), ConsistentRead=True
        )
        return {name: TypeDeserializer().deserialize(value) for name, value in item.get("Item", {}).items()} or None

    def halt(self, reason: str) -> None:
        """Abort the rollout as an operator does: by a note in the ledger's lock record."""
        self.stage.client("dynamodb").update_item(
            TableName=self.ledger_table(),
            Key=self._lock_key(),
            UpdateExpression="SET halted = :reason",
            ExpressionAttributeValues={":reason": {"S": reason}},
        )

    def rollout(self, version: str) -> Rollout | None:
        """Return the last rollout of a release; `None` if it has had none."""
        ledger = Ledger(self.stage.client("dynamodb"), table_name=self.ledger_table(), endpoint_name=self.name)
        return latest_of(ledger.rollouts(), version)

    def rollout_ends(self, version: str) -> Rollout:
        """Wait for the end of a release's rollout, and return it."""
        return eventually(lambda: _if_over(self.rollout(version)), what=f"the end of {version}'s rollout")

    def rollout_reaches(self, version: str, percent: int) -> Rollout:
        """Wait until a rollout has begun to watch a traffic share, and return it; fail if it ends before."""

        def reached() -> Rollout | None:
            rollout = self.rollout(version)
            at_share = rollout is not None and any(step.percent == percent for step in rollout.steps)
            assert at_share or rollout is None or rollout.running, f"{version}'s rollout is over: {rollout}"
            return rollout if at_share else None

        return eventually(reached, what=f"{percent} % of the requests for {version}")

    def ledger_table(self) -> str:
        """Return the name of the ledger's table."""
        if not self._table:
            (self._table,) = self.resources("AWS::DynamoDB::Table")
        return self._table

    def _lock_key(self) -> dict[str, Any]:
        return {"endpoint": {"S": self.name}, "record": {"S": "lock"}}

    # Acting out of order

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Move the traffic by another hand than the rollout's, and wait until it has moved."""
        desired = [{"VariantName": slot, "DesiredWeight": weight} for slot, weight in weights.items()]
        self.stage.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=self.name, DesiredWeightsAndCapacities=desired
        )
        eventually(lambda: self.look().weights == weights, what=f"weights {weights}")

    def alarm_of(self, slot: str) -> str:
        """Return the name of the error-rate alarm of one slot."""
        (found,) = self.resources("AWS::CloudWatch::Alarm", construct_id=f"Alarms{slot[-1].upper()}ErrorRate")
        return found

    def raise_alarm(self, name: str) -> float:
        """Put an alarm into ALARM; return when, in seconds since the epoch."""
        at = time.time()
        self.stage.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
        return at

    def seconds_until(self, since: float, holds: Callable[[], bool], *, what: str) -> float:
        """Wait until something holds, and return how long that took."""
        eventually(holds, what=what, look_again_seconds=LOOK_AGAIN_SOON_SECONDS)
        return time.time() - since

    def execution_in(self, state: str) -> str:
        """Wait until the only running execution has entered a state; return its ARN."""
        return eventually(
            lambda: self._running_in(state),
            what=f"an execution in {state}",
            look_again_seconds=LOOK_AGAIN_SOON_SECONDS,
        )

    def stop(self, execution: str) -> None:
        """Stop an execution; one that has ended meanwhile stays as it is."""
        states = self.stage.client("stepfunctions")
        with suppress(states.exceptions.ValidationException):
            states.stop_execution(executionArn=execution)

    def execution_status(self, arn: str) -> str:
        """Return the status of an execution."""
        status: str = self.stage.client("stepfunctions").describe_execution(executionArn=arn)["status"]
        return status

    def policy_characters(self) -> dict[str, int]:
        """Return how many characters IAM counts in the inline policies of each role of the stack."""
        iam = self.stage.client("iam")
        return {
            role: sum(
                characters(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
                for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
            )
            for role in self.resources("AWS::IAM::Role")
        }

    def _running_in(self, state: str) -> str:
        states = self.stage.client("stepfunctions")
        machine = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{state_machine_name(self.name)}"
        for execution in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
            arn: str = execution["executionArn"]
            if self.has_entered(arn, state):
                return arn
        return ""

    def has_entered(self, execution: str, state: str) -> bool:
        """Tell whether an execution has entered a state, by its last 200 events."""
        history = self.stage.client("stepfunctions").get_execution_history(
            executionArn=execution, reverseOrder=True, maxResults=200
        )["events"]
        return any(event.get("stateEnteredEventDetails", {}).get("name") == state for event in history)

    @property
    def _cloudformation(self) -> Any:
        return self.stage.client("cloudformation")


def _if_over(rollout: Rollout | None) -> Rollout | None:
    return rollout if rollout is not None and not rollout.running else None
