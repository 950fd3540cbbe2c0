"""The endpoint `shop` with everything around it: what a test deploys, rolls out, stops and looks at."""

from typing import Any

from boto3.dynamodb.types import TypeSerializer
from rollout.clock import iso
from rollout.contract.lock import Lock
from rollout.contract.operator import Request
from rollout.contract.plan import Scaling, Settings
from rollout.contract.stage_variables import AT_REST
from rollout.contract.timing import SCALE_IN_LOOK_BACK_SECONDS
from rollout.decisions.minimum import in_force
from rollout.endpoint import Endpoint, EndpointView
from rollout.handlers import abort, panic, restore, settle
from rollout.ledger import Ledger
from rollout.scaling import SlotScalers, SlotScaling
from rollout.world import World

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes import boto_clients
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.context import LAMBDA_MILLISECONDS, FakeContext
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, PERIOD, STATE_MACHINE, STEPS, A, B, plan, settings
from tests.lambdas.fakes.stack import STACK_ID, Stack

REQUESTS_PER_PERIOD = 1200
COHORT_SHARE = 0.05
CAUSES = {"a-errors": A, "b-errors": B}
"""Whose requests fail when an alarm goes off."""


class Shop:
    """One endpoint, its stack, its rollouts and its traffic."""

    def __init__(
        self,
        aws: Aws,
        *,
        steps: tuple[dict[str, Any], ...] = STEPS,
        harm_budget: float | None = None,
        **of_settings: Any,
    ) -> None:
        self.aws = aws
        self.settings = settings(**of_settings)
        self.plan = plan(steps=steps, **of_settings) | ({} if harm_budget is None else {"harm_budget": harm_budget})
        self.stack = Stack(aws)
        self.executions: dict[str, Execution] = {}
        self.requests_per_period = REQUESTS_PER_PERIOD
        self.failure_rates: dict[str, float] = {}
        """Which part of a slot's requests fails, 0 to 1; what `serve` is told comes on top."""
        self._served_until = int(aws.clock.now()) // PERIOD
        for stage in self.settings["api_stages"]:
            aws.api_stages.variables[stage["rest_api_id"], stage["stage_name"]] = dict(AT_REST)
        for name in ("a-errors", "b-errors", "business"):
            aws.cloudwatch.alarms[name] = "OK"

    # Doing

    def let_steps_take_an_hour(self) -> None:
        """Let steps wait longer for a decision. After a brake they need more than the minutes of these plans."""
        self.plan["steps"] = [{**step, "max_bake_seconds": 3600} for step in self.plan["steps"]]

    def deploy(self, version: str, digest: str = "", **changes: Any) -> None:
        """Deploy a release to the end, without the stack's event."""
        self.stack.deploy(version, digest, **{"settings": self.settings, **changes})

    def release(self, version: str, **changes: Any) -> Execution | None:
        """Deploy a release and deliver the stack's event; return the execution that came of it, if one did."""
        self.deploy(version, **changes)
        self.settle()
        return self.running()

    def serve_first(self, **changes: Any) -> None:
        """Bring v1 into service."""
        assert self.release("v1", **changes) is None

    def promote(self, version: str, **changes: Any) -> None:
        """Release a version and see it promoted."""
        execution = self.release(version, **changes)
        assert execution is not None
        self.run(execution)
        assert execution.status == "SUCCEEDED", execution.failure

    def begin(self, version: str, until: str, *, index: int = -1) -> Execution:
        """Release a version and let its rollout go on until a task (of one traffic step) is next."""
        execution = self.release(version)
        assert execution is not None
        self.run(execution, until, index=index)
        assert execution.task == until, execution.failure
        return execution

    def run(self, execution: Execution, until: str = "", *, index: int = -1) -> None:
        """Let a rollout go on under traffic until a task (of one traffic step) is next, or to its end."""
        while execution.task and not (execution.task == until and index in (-1, execution.step["index"])):
            self.serve()
            execution.advance()

    def settle(self, status: str = "") -> None:
        """Deliver the stack's event, by default that of its present status."""
        event = {"settings": self.settings, "stack_id": STACK_ID, "status": status or self.aws.stacks.status}
        settle.handler(event, FakeContext())

    def look_for_what_was_left(self) -> None:
        """Deliver the event of the clock, which comes every quarter of an hour."""
        settle.handler({"settings": self.settings, "stack_id": STACK_ID}, FakeContext())

    def see_it_land(self) -> None:
        """Let the traffic of a rollout's end be seen, and the clock's next event come."""
        if self.ledger.landing() is None:
            return
        self.serve_for(SCALE_IN_LOOK_BACK_SECONDS + PERIOD)
        self.look_for_what_was_left()
        self.wait_until_quiet()

    def serve_for(self, seconds: float) -> None:
        """Let time pass under traffic."""
        self.aws.wait(seconds)
        self.serve()

    def panic(self, alarm: str, *, raised_at: float | None = None, milliseconds: int = LAMBDA_MILLISECONDS) -> None:
        """Deliver an alarm's change to ALARM, by default one of now, with the time in whole seconds.

        A slot's alarm has its cause in what the slot has published.
        """
        if alarm in CAUSES:
            self.misbehave(CAUSES[alarm])
        second = int(self.aws.clock.now() if raised_at is None else raised_at)
        event = {"settings": self.settings, "alarm_name": alarm, "raised_at": iso(second).replace(".000Z", "Z")}
        panic.handler(event, FakeContext(milliseconds))

    def ask(self, request: Request) -> bool:
        """Ask for something as a person does. `False`: it does not fit."""
        values = {name: TypeSerializer().serialize(value) for name, value in request.values.items()}
        try:
            self.aws.table.call(
                "UpdateItem",
                {
                    "TableName": self.aws.table.name,
                    "Key": {"endpoint": {"S": ENDPOINT}, "record": {"S": "lock"}},
                    "UpdateExpression": request.changes,
                    "ConditionExpression": request.condition,
                    "ExpressionAttributeValues": values,
                },
            )
        except ApiError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def tell_of_order(self, *endpoints: str, milliseconds: int = LAMBDA_MILLISECONDS) -> None:
        """Deliver stream records of a lock that says `halted`, by default one of this endpoint."""
        keys = [{"endpoint": {"S": endpoint}, "record": {"S": "lock"}} for endpoint in endpoints or (ENDPOINT,)]
        abort.handler({"Records": [{"dynamodb": {"Keys": key}} for key in keys]}, FakeContext(milliseconds))

    def misbehave(self, slot: str) -> None:
        """Let a slot fail most of its requests in the newest whole metric period."""
        self.serve()
        at = (int(self.aws.clock.now()) // PERIOD - 1) * PERIOD
        requests = 2 * self.requests_per_period
        self.aws.cloudwatch.serve(ENDPOINT, slot, requests, failed=requests, at=at, period=PERIOD)

    def restore(self, execution: str, status: str = "ABORTED", *, milliseconds: int = LAMBDA_MILLISECONDS) -> None:
        """Deliver the end of an execution."""
        restore.handler(
            {"settings": self.settings, "execution": execution, "status": status}, FakeContext(milliseconds)
        )

    def stop(self, execution: Execution, **told: str) -> None:
        """Stop an execution, without its event. `told`: the `error` and the `cause` that an operator gives."""
        arn = STATE_MACHINE.replace(":stateMachine:", ":execution:") + ":" + execution.name
        self.aws.states.stop({"executionArn": arn, **told})

    def start(self, name: str) -> Execution:
        """Start an execution by hand."""
        self.aws.states.start({"stateMachineArn": STATE_MACHINE, "name": name, "input": "{}"})
        return self.execution(name)

    def set_weights(self, **weights: float) -> None:
        """Let another hand set weights, by slot letter."""
        rows = [{"VariantName": f"variant-{slot}", "DesiredWeight": weight} for slot, weight in weights.items()]
        self.aws.sagemaker.endpoints.update_weights_and_capacities(
            {"EndpointName": ENDPOINT, "DesiredWeightsAndCapacities": rows}
        )

    def update_by_another_hand(self) -> None:
        """Let another hand update the endpoint to a config of its own, `config-by-hand`, with the same variants."""
        catalogue, name = self.aws.sagemaker.catalogue, "config-by-hand"
        described = catalogue.configs.describe({"EndpointConfigName": self.view().config_name})
        variants = described["ProductionVariants"]
        catalogue.configs.create({"EndpointConfigName": name, "ProductionVariants": variants})
        self.aws.sagemaker.endpoints.update(
            {"EndpointName": ENDPOINT, "EndpointConfigName": name, "RetainAllVariantProperties": True}
        )

    def wait_until_quiet(self) -> None:
        """Let time pass until no change runs."""
        endpoints = self.aws.sagemaker.endpoints
        while endpoints.exists(ENDPOINT) and endpoints.find(ENDPOINT).in_progress:
            self.aws.wait(1)

    def serve(self, *, failed: float = 0) -> None:
        """Publish the traffic of all whole metric periods since the last call, split by what exposes now."""
        now = int(self.aws.clock.now()) // PERIOD
        weights = self._shares()
        for number in range(self._served_until, now):
            for slot, weight in weights.items():
                requests = round(self.requests_per_period * weight / sum(weights.values()))
                bad = min(failed + round(requests * self.failure_rates.get(slot, 0.0)), requests)
                self.aws.cloudwatch.serve(ENDPOINT, slot, requests, failed=bad, at=number * PERIOD, period=PERIOD)
        self._served_until = now

    def _shares(self) -> dict[str, float]:
        canary, weights = self._canary_of_clients(), self.weights()
        if canary is None:
            return weights
        others = {slot: weight * (1 - COHORT_SHARE) for slot, weight in weights.items()}
        return {**others, canary: others[canary] + COHORT_SHARE * sum(weights.values())}

    def _canary_of_clients(self) -> str | None:
        """Return where clients send their cohort; they read the table with permissions and luck of their own."""
        key = {"endpoint": {"S": ENDPOINT}, "record": {"S": "cohort"}}
        item = self.aws.table.call("GetItem", {"TableName": self.aws.table.name, "Key": key}).get("Item", {})
        return item["cohort"]["M"]["variant"]["S"] if "cohort" in item else None

    # Looking

    @property
    def world(self) -> World:
        """The adapters, as handlers have them."""
        return World.of(Settings.parse(self.settings))

    @property
    def ledger(self) -> Ledger:
        return Ledger(ENDPOINT, table=self.aws.table.name, client=boto_clients.client("dynamodb"))

    def execution(self, name: str) -> Execution:
        """Return the execution of this name; it begins when it is first looked at."""
        if name not in self.executions:
            self.executions[name] = Execution(self.aws, name, self.plan)
        return self.executions[name]

    def running(self) -> Execution | None:
        """Return the execution that runs."""
        names = [name for name, status in self.aws.states.executions.items() if status == "RUNNING"]
        assert len(names) <= 1, names
        return self.execution(names[0]) if names else None

    def lock(self) -> Lock | None:
        return self.ledger.lock()

    def view(self) -> EndpointView:
        return Endpoint(ENDPOINT).describe()

    def weights(self) -> dict[str, float]:
        """Return the weights in force, by slot."""
        fleet = self.aws.sagemaker.endpoints.find(ENDPOINT).fleet
        assert fleet is not None
        return {name: variant.current_weight for name, variant in fleet.variants.items()}

    def models(self) -> dict[str, str]:
        """Return the model that each slot really serves."""
        fleet = self.aws.sagemaker.endpoints.find(ENDPOINT).fleet
        assert fleet is not None
        return {name: variant.model_name for name, variant in fleet.variants.items()}

    def instances_of(self, slot: str) -> int:
        """Return how many instances of a slot serve."""
        fleet = self.aws.sagemaker.endpoints.find(ENDPOINT).fleet
        assert fleet is not None
        return fleet.variants[slot].current_count

    def scaling(self) -> dict[str, SlotScaling]:
        return SlotScalers(ENDPOINT).registered()

    def floors(self) -> dict[str, int]:
        return {slot: registered.floor for slot, registered in self.scaling().items()}

    def unsafe(self) -> list[str]:
        """Let running changes end; return what is not as it must be at rest: weights, floors by role, scaling, lock.

        A rollout that has ended keeps its instances until its traffic was seen, and no longer than that.
        """
        self.wait_until_quiet()
        self.see_it_land()
        weights = self.weights()
        serving = [slot for slot, weight in weights.items() if weight > 0]
        floors = {slot: self._floor_at_rest(slot, serves=[slot] == serving) for slot in weights}
        found = {
            f"weights {weights}": len(serving) == 1,
            f"floors {self.floors()}": self.floors() == floors,
            "scaling suspended": not self.suspended(),
            f"{self.lock()}": self.lock() is None,
            f"cohort {self.cohorts()}": not self.cohorts(),
        }
        return [problem for problem, fine in found.items() if not fine]

    def _floor_at_rest(self, slot: str, *, serves: bool) -> int:
        own = self.stack.own_scalings.get(self.models()[slot])
        declared = Scaling.parse(self.settings["scaling"] if own is None else own)
        scaling = in_force(declared, self.aws.clock.now())
        return scaling.min_instances if serves else scaling.idle_instances

    def cohorts(self) -> list[Any]:
        """Return every rule that sends requests to the canary beside the weights, wherever it is published."""
        published = [self.ledger.cohort(), *self.aws.api_stages.variables.values()]
        return [rule for rule in published if rule and rule != AT_REST]

    def rollouts(self) -> dict[str, dict[str, Any]]:
        """Return the ledger's record of every execution."""
        records = {name: self.ledger.rollout(name) for name in self.aws.states.executions}
        return {name: record for name, record in records.items() if record is not None}

    def outcome(self, execution: Execution) -> tuple[str, str]:
        """Return how the ledger says that a rollout ended, and why."""
        record = self.rollouts()[execution.name]
        return record["outcome"], record["reason"]

    def suspended(self) -> bool:
        """Tell whether any scaling of any slot is suspended."""
        return any(slot.scale_in_suspended or slot.scale_out_suspended for slot in self.scaling().values())
