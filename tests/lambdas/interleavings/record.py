"""What was done to the endpoint by whom, and which of it the invariants forbid."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from rollout.contract.errors import AGAINST_A_PROMOTED
from rollout.contract.exposure import EVERYTHING
from rollout.contract.lock import DEPLOYMENT, ROLLOUT, Lock
from rollout.contract.names import PROMOTED

from canary_tools.aws_models.sagemaker.endpoint import Endpoint
from canary_tools.aws_models.sagemaker.variants import Variant
from tests.lambdas.fakes.aws import Call
from tests.lambdas.fakes.settings import ENDPOINT
from tests.lambdas.fakes.stack import scaling_id
from tests.lambdas.interleavings.turns import Actor, AwsInTurns, Effect

SHIFT = "ShiftTraffic"
WRITING = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})

_deserialize = TypeDeserializer().deserialize


def _percent(weights: Mapping[str, float], slot: str) -> float:
    """Return the share of a slot, in percent, as finely as weights give it."""
    total = sum(weights.values())
    return round(100 * weights[slot] / total, 2) if total else 0.0


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One run of a handler, and the lock as it was when it began."""

    handler: str
    execution: str
    actor: Actor | None
    lock: Lock | None

    @property
    def may_raise(self) -> bool:
        """Tell whether this is the shift handler, and its rollout had the lock and no order to halt."""
        lock = self.lock
        return self.handler == SHIFT and lock is not None and lock.holder == self.execution and not lock.halted


class Record:
    """Listens to every call and every change of the endpoint.

    `wanted`: the share, in percent, that an execution wants now. `needed`: the instances that the canary needs at one.

    Attributes:
        violations: what must not have happened.
        zeroed: the canary's slot of each rollout that somebody ordered to zero, and saw there.
        against: the rollouts that an alarm or a gate ordered to zero.
        deployment: who must have the lock, while a deployment that was not refused goes on.
    """

    def __init__(self, aws: AwsInTurns, *, wanted: Callable[[str], float], needed: Callable[[float], int]) -> None:
        self.violations: list[str] = []
        self.zeroed: dict[str, str] = {}
        self.against: set[str] = set()
        self.deployment = ""
        self._halted: dict[str, list[Actor | None]] = {}
        self._in_force: set[str] = set()
        self._canaries: dict[str, str] = {}
        self._live: list[Invocation] = []
        self._served: dict[str, tuple[str, float]] = {}
        self._known_lock: Lock | None = None
        self._lock_is_known = False
        self._aws = aws
        self._wanted = wanted
        self._needed = needed
        aws.sagemaker.endpoints.on_change.append(self._changed)
        aws.watch = self._watch

    # Looking, without a call of its own

    def lock(self) -> Lock | None:
        """Return the lock."""
        if not self._lock_is_known:
            self._known_lock = self._read_lock()
            self._lock_is_known = True
        return self._known_lock

    def _read_lock(self) -> Lock | None:
        item = self._item("lock")
        return Lock.parse(item) if "holder" in item else None

    def _item(self, record: str) -> dict[str, Any]:
        key = {"endpoint": {"S": ENDPOINT}, "record": {"S": record}}
        answer = self._aws.table.call("GetItem", {"TableName": self._aws.table.name, "Key": key})
        return {name: _deserialize(value) for name, value in answer.get("Item", {}).items()}

    def _is_decided(self, execution: str) -> bool:
        """Tell whether the promotion of a rollout is decided. Nothing halts it any more."""
        lock = self.lock()
        if lock is not None and lock.holder == execution:
            return lock.sealed
        return self._item(f"rollout#{execution}").get("outcome") == PROMOTED

    def _keeps_its_traffic(self, execution: str) -> bool:
        """Tell whether a release is promoted, and neither an alarm nor a gate is against it."""
        lock = self.lock()
        is_held_back = lock is not None and lock.holder == execution and lock.is_held_back
        return is_held_back or self._is_decided(execution)

    def variants(self) -> dict[str, Variant]:
        """Return the slots as they serve now; none before the first endpoint."""
        endpoints = self._aws.sagemaker.endpoints
        fleet = endpoints.find(ENDPOINT).fleet if endpoints.exists(ENDPOINT) else None
        return {} if fleet is None else dict(fleet.variants)

    def is_live(self, *handlers: str) -> bool:
        """Tell whether one of these handlers runs."""
        return any(each.handler in handlers for each in self._live)

    # Being told

    @contextmanager
    def invocation(self, handler: str, execution: str) -> Iterator[None]:
        """Note a run of a handler for as long as it lasts."""
        invocation = Invocation(handler=handler, execution=execution, actor=self._aws.turns.running, lock=self.lock())
        self._live.append(invocation)
        try:
            yield
        finally:
            self._live.remove(invocation)

    def seen_at_zero(self, execution: str) -> None:
        """Note that somebody who lowers a rollout's exposure says that it is at zero."""
        self._learn_roles()
        if self._canaries.get(execution):
            self.zeroed[execution] = self._canaries[execution]

    def halted_by(self, actor: Actor | None) -> list[str]:
        """Return the rollouts that this one ordered to zero."""
        return [execution for execution, by in self._halted.items() if actor in by]

    def another_hand(self) -> None:
        """Note that somebody else moved the weights: what was at zero need not be any more."""
        self.zeroed.clear()

    # Judging

    def look(self) -> None:
        """Note what the invariants forbid of the world as it is now."""
        self._learn_roles()
        lock = self.lock()
        self._in_force = {name for name in self._in_force if lock is not None and name == lock.holder}
        if lock is not None and lock.kind == ROLLOUT:
            self.zeroed = {name: slot for name, slot in self.zeroed.items() if name == lock.holder}
            if lock.holder in self._in_force and not lock.halted:
                self.violations.append(f"the order to halt {lock.holder} was withdrawn")
            if lock.sealed and lock.halted and not lock.is_held_back:
                self.violations.append(f"{lock.holder} is promoted against an order to halt: {lock.halted}")
        if self.deployment and (lock is None or (lock.kind, lock.holder) != (DEPLOYMENT, self.deployment)):
            self.violations.append(f"deployment {self.deployment} lost the lock to {lock}")
        for execution, slot in self.zeroed.items():
            self._stays_at_zero(execution, self.variants()[slot])

    def _learn_roles(self) -> None:
        lock = self.lock()
        if lock is not None and lock.canary:
            self._canaries[lock.holder] = lock.canary

    def _stays_at_zero(self, execution: str, canary: Variant) -> None:
        if self.is_live(SHIFT):
            return
        if canary.current_weight > 0 or canary.desired_weight > 0:
            self.violations.append(
                f"{execution} was lowered to zero, and {canary.name} has weight {canary.current_weight} (desired: "
                f"{canary.desired_weight}) with nobody left who would lower it"
            )

    def _changed(self, _endpoint: Endpoint) -> None:
        now = {name: (each.model_name, each.current_weight) for name, each in self.variants().items()}
        for slot, (model, weight) in self._served.items():
            if slot in now and weight > 0 and now[slot][0] != model:
                self.violations.append(f"{slot} served {model} at {weight} and holds {now[slot][0]} now")
        self._served = now

    def _watch(self, call: Call, effect: Effect) -> dict[str, Any]:
        before = {slot: each.desired_weight for slot, each in self.variants().items()}
        answer = effect()
        self._lock_is_known = self._lock_is_known and call.operation not in WRITING
        if call.operation == "UpdateEndpointWeightsAndCapacities":
            self._weights_ordered(call.parameters, before)
        elif call.operation == "UpdateItem" and "halted" in call.parameters["UpdateExpression"]:
            values = call.parameters["ExpressionAttributeValues"]
            self._halt_ordered(
                values[":me" if ":me" in values else ":execution"]["S"], by=values.get(":by", {}).get("S", "")
            )
        return answer

    def _halt_ordered(self, execution: str, *, by: str) -> None:
        self._learn_roles()
        if by in AGAINST_A_PROMOTED:
            self.against.add(execution)
        self._in_force.add(execution)
        self._halted.setdefault(execution, []).append(self._aws.turns.running)

    def _weights_ordered(self, parameters: dict[str, Any], before: dict[str, float]) -> None:
        asked = {row["VariantName"]: row["DesiredWeight"] for row in parameters["DesiredWeightsAndCapacities"]}
        actor = self._aws.turns.running
        by = next((each for each in reversed(self._live) if each.actor is actor), None)
        lock = by.lock if by is not None and by.handler == SHIFT else self.lock()
        if lock is None or not lock.canary:
            return
        former, percent = (_percent(weights, lock.canary) for weights in (before, asked))
        who = "a handler" if by is None else f"{by.handler} of {by.execution}"
        what = f"{who} moved {lock.canary} from {former:g} % to {percent:g} %"
        if percent < former:
            self._judge_lowering(lock, percent, what)
        elif percent > former and not (percent == EVERYTHING and self._is_decided(lock.holder)):
            self._judge_raise(by, lock, percent, what)

    def _judge_lowering(self, lock: Lock, percent: float, what: str) -> None:
        """Anybody may lower a canary. A release that is promoted gives no more than its hold-back."""
        if self._keeps_its_traffic(lock.holder) and percent < self._wanted(lock.holder):
            self.violations.append(f"{what}, and {lock.holder} is promoted")

    def _judge_raise(self, by: Invocation | None, lock: Lock, percent: float, what: str) -> None:
        if by is None or not by.may_raise:
            self.violations.append(f"{what}, and must not")
        else:
            self._judge_circumstances(lock, percent, what)

    def _judge_circumstances(self, lock: Lock, percent: float, what: str) -> None:
        wanted = self._wanted(lock.holder)
        if percent > wanted:
            self.violations.append(f"{what}, and the rollout wants {wanted:g} % now")
        config = self._aws.sagemaker.endpoints.find(ENDPOINT).config_name
        if config != lock.config_name:
            self.violations.append(f"{what} on {config} instead of {lock.config_name}")
        instances = self.variants()[lock.canary].current_count
        needed = min(self._needed(percent), self._floor(lock.canary))
        if instances < needed:
            self.violations.append(f"{what} with {instances} of {needed} instances")

    def _floor(self, slot: str) -> int:
        asked = {"ServiceNamespace": "sagemaker", "ResourceIds": [scaling_id(slot)["ResourceId"]]}
        floors = [row["MinCapacity"] for row in self._aws.sagemaker.scaling.describe_targets(asked)["ScalableTargets"]]
        return int(floors[0])
