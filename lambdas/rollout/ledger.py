"""The ledger: one DynamoDB table per stack, with releases, rollouts and the lock of each endpoint.

Partition key `endpoint`, sort key `record`:

- `lock`: who may change the endpoint now; for a rollout also its slots and its endpoint config
- `declared`: the release that the last accepted deploy asked for, and the scaling of both slots
- `model#<name>`: the release that a model holds, what it reads, and its scaling if it has one of its own
- `release#<version>`: the content of a version label, and how its last rollout ended
- `answer#<digest>`: the answer of `Custom::ReleaseSlots` to properties with this digest
- `rollout#<execution name>`: the course of one rollout
- `former`: how an endpoint that is taken over was scaled before
- `config`: the endpoint config that the stack has; the endpoint may be on another one, by another hand
- `landing`: a rollout has ended and still keeps its instances; the record says since when
- `cohort`: the published rule that sends requests to the canary while its weight is 0; clients read it
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from rollout import clients, sentences
from rollout.clock import iso
from rollout.contract.adoption import FormerScaling
from rollout.contract.cohort import Cohort
from rollout.contract.errors import LockLost
from rollout.contract.landing import Landing
from rollout.contract.lock import BY_A_PERSON, DEPLOYMENT, ROLLOUT, Lock
from rollout.contract.names import ENDINGS, LEDGER_VARIABLE, PROMOTED, RUNNING
from rollout.contract.plan import Scaling
from rollout.contract.reads import Reads
from rollout.contract.scalings import Scalings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.operator import Request
    from rollout.contract.plan import ApiStage
    from rollout.contract.records import RolloutRecord, StepRecord
    from rollout.contract.way_back import WayBack

Item = dict[str, dict[str, object]]
"""An item in DynamoDB's format: every value has its type beside it."""
_HELD_BACK = "(attribute_exists(promoted_at) AND (attribute_not_exists(halted_by) OR halted_by = :person))"
"""`Lock.is_held_back`, as a condition."""
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


@dataclass(frozen=True, kw_only=True)
class Release:
    """One model build. Version and digest together are its identity."""

    version: str
    digest: str
    outcome: str = ""
    tried_at: str = ""
    """When the last rollout ended that did not judge this release, in ISO 8601; empty if there was none."""
    former: str = ""
    """The version that served before this one was promoted; empty if no rollout has promoted it."""

    def same_content(self, other: Release) -> bool:
        """Tell whether both are the same release: they have the same version and the same digest."""
        return (self.version, self.digest) == (other.version, other.digest)


class Ledger:
    """The records of one endpoint."""

    def __init__(self, endpoint: str, *, table: str | None = None, client: Any = None) -> None:
        self._endpoint = endpoint
        self._table = os.environ[LEDGER_VARIABLE] if table is None else table
        self._client = clients.client("dynamodb") if client is None else client

    def unrepeated(self) -> Ledger:
        """Return this ledger with calls that are sent only once.

        A repeated call may arrive late. An announcement must not arrive after the time that it announces.
        """
        return Ledger(self._endpoint, table=self._table, client=clients.single_attempt_client("dynamodb"))

    # The lock

    def lock(self) -> Lock | None:
        """Read the lock, consistently."""
        item = self._get("lock")
        if item is None or "holder" not in item:  # an operator's abort can create the record without a lock
            return None
        return Lock.parse(item)

    def lock_for_deployment(self, holder: str, at: float) -> bool:
        """Take the lock for a deployment. `False`: a rollout holds it.

        The lock of an earlier deployment is taken over. CloudFormation runs one update of a stack at a time, so the
        earlier deployment has ended.
        """
        lock = Lock(kind=DEPLOYMENT, holder=holder)
        return self._put_lock(lock, at, "attribute_not_exists(holder) OR kind = :kind", {":kind": DEPLOYMENT})

    def lock_for_rollout(
        self,
        execution: str,
        at: float,
        *,
        instead_of: str | None = None,
        state_machine: str = "",
        stable: str = "",
        canary: str = "",
    ) -> bool:
        """Take the lock for a rollout. `False`: it is not free, or not the one to take over.

        Without `instead_of` the lock must be free. With it, the lock must be held by this deployment.

        `state_machine`: its ARN. Others ask it whether the rollout still runs.
        `stable` and `canary`: the slots, if they are known already. With them the rollout can be rolled back even if
        somebody changes the weights before its first look at the endpoint.
        A rollout that holds the lock does not get it again: a new record would lose an order to halt.
        """
        lock = Lock(kind=ROLLOUT, holder=execution, state_machine=state_machine, stable=stable, canary=canary)
        if instead_of is None:
            return self._put_lock(lock, at, "attribute_not_exists(holder)", {})
        return self._put_lock(lock, at, "holder = :before", {":before": instead_of})

    def pin(
        self,
        execution: str,
        *,
        stable: str,
        canary: str,
        config_name: str,
        api_stages: Sequence[ApiStage] = (),
    ) -> None:
        """Write the rollout's slots, endpoint config and API stages into its lock.

        Raises:
            LockLost: when the lock is not this rollout's.
        """
        stages = [vars(stage) for stage in api_stages]
        values = {
            ":stable": stable, ":canary": canary, ":config": config_name, ":stages": stages, ":me": execution,
        }  # fmt: skip
        changes = "SET stable = :stable, canary = :canary, config_name = :config, api_stages = :stages"
        if not self._update("lock", changes, values, condition="holder = :me"):
            raise LockLost(sentences.LOCK_NOT_PINNED.format(endpoint=self._endpoint, execution=execution))

    def halt(self, execution: str, reason: str, at: float, *, by: str = BY_A_PERSON) -> bool:
        """Order the rollout's exposure to zero. `False`: it does not hold the lock, or its promotion is decided.

        `by`: the name of the error that the order stands for. The first reason and the first name are kept. An operator
        may write `halted` without a name; then the release is not judged. In a hold-back such an order takes nothing
        back, so that one of an alarm or a gate takes its place.
        """
        values = {":me": execution, ":reason": reason, ":by": by, ":at": iso(at)}
        changes = "SET halted = :reason, halted_by = :by, halted_at = :at"
        may_be = "holder = :me AND attribute_not_exists(sealed) AND "
        first = "attribute_not_exists(halted)"
        if by != BY_A_PERSON:
            values, first = {**values, ":person": BY_A_PERSON}, f"({first} OR {_HELD_BACK})"
        if self._update("lock", changes, values, condition=f"{may_be} {first}"):
            return True
        return self._update(
            "lock", "SET halted = halted", {":me": execution}, condition=f"{may_be} attribute_exists(halted)"
        )  # fmt: skip

    def announce_raise(self, execution: str, until: float, *, share: int) -> bool:
        """Announce a raise of exposure to a share of the rollout, by its number.

        `False`: exposure was ordered to zero before, the promotion is decided, the lock was lost, or a later share was
        announced before. A shift whose answer was lost may run on until then; its share may be lower by now.

        DynamoDB orders the two writes: either the order to halt or the announcement comes first. A handler that ends
        the rollout later waits until this time (`until`, in seconds since the epoch), because the raise may still
        arrive after the process that sent it has ended.
        """
        condition = (
            "holder = :me AND attribute_not_exists(halted) AND attribute_not_exists(sealed) "
            "AND (attribute_not_exists(share_number) OR share_number <= :share)"
        )
        values = {":me": execution, ":until": iso(until), ":share": share}
        return self._update("lock", "SET raising_until = :until, share_number = :share", values, condition=condition)

    def await_approval(self, execution: str, step: int, until: float, *, what: str) -> bool:
        """Record what a step waits for from a person, until this time. `False`: that was recorded before.

        A yes to another question counts no more.
        """
        values = {":me": execution, ":step": step, ":until": iso(until), ":what": what}
        condition = "holder = :me AND (attribute_not_exists(awaits) OR awaits <> :step OR awaits_what <> :what)"
        changes = "SET awaits = :step, awaits_until = :until, awaits_what = :what REMOVE approved"
        return self._update("lock", changes, values, condition=condition)

    def await_no_approval(self, execution: str) -> None:
        """Record that no step waits for approval."""
        self._update("lock", "REMOVE awaits, awaits_until", {":me": execution}, condition="holder = :me")

    def end_question(self, execution: str) -> bool:
        """Record that nobody can answer any more what a step asks. `False`: somebody has said yes before.

        DynamoDB orders the two writes: a yes either counts or does not fit.
        """
        condition = "holder = :me AND attribute_not_exists(approved)"
        return self._update("lock", "REMOVE awaits, awaits_until", {":me": execution}, condition=condition)

    def ask(self, request: Request) -> bool:
        """Write what a person asks of a rollout. `False`: it does not fit, and nothing was changed."""
        if self._update("lock", request.changes, request.values, condition=request.condition):
            return True
        lock = self.lock()
        return lock is not None and request.is_written_in(lock)

    def promote(self, execution: str, at: float) -> bool:
        """Record that the release is promoted and held beside the former one. The first time is kept.

        `False`: exposure was ordered to zero before, or the lock was lost.
        """
        condition = "holder = :me AND attribute_not_exists(halted)"
        changes = "SET promoted_at = if_not_exists(promoted_at, :at)"
        return self._update("lock", changes, {":me": execution, ":at": iso(at)}, condition=condition)

    def seal(self, execution: str, *, because: str = "") -> bool:
        """Decide the promotion. `False`: exposure was ordered to zero before, or the lock was lost.

        In a hold-back only an alarm or a gate can order that. `because`: why it ends before its time.
        """
        condition = f"holder = :me AND (attribute_not_exists(halted) OR {_HELD_BACK})"
        values = {":me": execution, ":yes": True, ":person": BY_A_PERSON, ":because": because}
        changes = "SET sealed = :yes, kept_because = if_not_exists(kept_because, :because)"
        return self._update("lock", changes, values, condition=condition)

    def free(self, holder: str) -> bool:
        """Free the lock. `False`: this holder does not have it."""
        return self._write("delete_item", condition="holder = :me", values={":me": holder}, Key=self._key("lock"))

    def free_if_over(self, execution: str) -> bool:
        """Free the lock of a rollout whose end is recorded, and tell whether that was done.

        The end is recorded last, so nothing of that rollout has to be restored any more.
        """
        rollout = self.rollout(execution)
        return rollout is not None and rollout.get("outcome") in ENDINGS and self.free(execution)

    # Releases

    def declare(
        self,
        release: Release,
        model_name: str,
        scaling: Scaling,
        *,
        reads: Reads,
        own_scaling: Scaling | None = None,
        in_slots: Mapping[str, str] | None = None,
        anew: bool = False,
    ) -> None:
        """Record what a deploy asked for: the release, its model, what the model reads, and the scaling of both slots.

        `scaling`: the endpoint's, for each slot whose model has no `own_scaling` (`in_slots`: the models by slot).
        `own_scaling` is the release's: a slot may hold it in another model, which CloudFormation has replaced since
        then, because of another role or network, or because the release is deployed once more.

        A version label keeps its content and its outcome. With `anew` (a new endpoint) it gets the new content and
        loses its outcome.
        """
        identity = {"version": release.version, "digest": release.digest}
        own = {} if own_scaling is None else {"scaling": own_scaling.to_json()}
        self._put(f"model#{model_name}", {**identity, **reads.to_json(), **own})
        for model in set((in_slots or {}).values()) - {model_name}:
            held = self.release_in(model)
            if held is not None and held.same_content(release):
                self._scale_model(model, own_scaling)
        found = {slot: self.own_scaling(model) for slot, model in (in_slots or {}).items()}
        by_slot = Scalings(
            endpoint=scaling, own={slot: scaling for slot, scaling in found.items() if scaling is not None}
        )
        self._put("declared", {**identity, "model_name": model_name, **by_slot.to_json()})
        kept = "SET digest = if_not_exists(digest, :digest)"
        changes = "SET digest = :digest REMOVE outcome, tried_at, former" if anew else kept
        self._update(f"release#{release.version}", changes, {":digest": release.digest})

    def _scale_model(self, model_name: str, scaling: Scaling | None) -> None:
        changes = "REMOVE scaling" if scaling is None else "SET scaling = :scaling"
        self._update(f"model#{model_name}", changes, {} if scaling is None else {":scaling": scaling.to_json()})

    def own_scaling(self, model_name: str) -> Scaling | None:
        """Return the scaling of the release that a model holds; `None`: it has the endpoint's."""
        scaling = (self._get(f"model#{model_name}") or {}).get("scaling")
        return None if scaling is None else Scaling.parse(_whole(scaling))

    def declared_scalings(self) -> Scalings | None:
        """Return the scaling of both slots that the last accepted deploy asked for; `None` before the first."""
        item = self._get("declared")
        return None if item is None else Scalings.parse(_whole(item))

    def declared(self) -> Release | None:
        """Return the release that the last accepted deploy asked for, with its outcome."""
        item = self._get("declared")
        return None if item is None else self.release(item["version"])

    def owns_endpoint(self) -> bool:
        """Tell whether this stack has a part in the endpoint: a deploy of it was accepted, or may adopt it.

        A stack whose deploys were all refused has none, though an endpoint of this name exists: it is another stack's.
        """
        return any(self._get(record) is not None for record in ("declared", "former"))

    def disown_endpoint(self) -> None:
        """Forget that the endpoint was this stack's: it is gone, and another stack may take its name."""
        for record in ("declared", "former", "landing", "config"):
            self._call("delete_item", Key=self._key(record))

    def remember_config(self, name: str) -> None:
        """Note the endpoint config that the stack has now."""
        self._put("config", {"name": name})

    def stack_config(self) -> str:
        """Return the endpoint config that the stack has; empty while it is not known."""
        item = self._get("config")
        return "" if item is None else str(item["name"])

    def declared_model(self) -> str:
        """Return the model that the last accepted deploy declared; empty before the first."""
        item = self._get("declared")
        return "" if item is None else str(item["model_name"])

    def release(self, version: str) -> Release | None:
        """Return the release of a version label; `None` for a label that no deploy has declared."""
        item = self._get(f"release#{version}")
        if item is None:
            return None
        fate = {name: item.get(name, "") for name in ("outcome", "tried_at", "former")}
        return Release(version=version, digest=item["digest"], **fate)

    def release_in(self, model_name: str) -> Release | None:
        """Return the release that a model holds; `None` for a model that no deploy has declared."""
        item = self._get(f"model#{model_name}")
        return None if item is None else Release(version=item["version"], digest=item["digest"])

    def reads(self, model_name: str) -> Reads:
        """Return what a model reads, as far as it is known."""
        return Reads.parse(self._get(f"model#{model_name}") or {})

    def decide_release(self, version: str, outcome: str) -> None:
        """Record how a release was judged."""
        self._update(f"release#{version}", "SET outcome = :outcome", {":outcome": outcome})

    def promote_release(self, version: str, *, former: str) -> None:
        """Record that a release was promoted, and over which version."""
        changes = "SET outcome = :outcome, former = :former"
        self._update(f"release#{version}", changes, {":outcome": PROMOTED, ":former": former})

    def release_tried(self, version: str, at: float) -> None:
        """Record that a rollout ended without judging the release."""
        self._update(f"release#{version}", "SET tried_at = :at", {":at": iso(at)})

    def remember_answer(self, digest: str, answer: Mapping[str, str | int], *, request: str) -> None:
        """Keep an answer of `Custom::ReleaseSlots`. A stack rollback and a repeated request get it again."""
        self._put(f"answer#{digest}", {"answer": dict(answer), "request": request})

    def answer(self, digest: str, *, request: str | None = None) -> dict[str, str | int] | None:
        """Return the last answer of `Custom::ReleaseSlots` to these properties; `None` without one.

        With `request`, only the answer to that request counts.
        """
        item = self._get(f"answer#{digest}")
        if item is None or request not in {None, item.get("request")}:
            return None
        answer: dict[str, Any] = _whole(item["answer"])
        return answer

    # Rollouts

    def next_attempt(self) -> int:
        """Return how many rollouts this endpoint has had, plus one."""
        answer = self._call(
            "query",
            ConsistentRead=True,
            Select="COUNT",
            KeyConditionExpression="endpoint = :endpoint AND begins_with(#record, :rollout)",
            ExpressionAttributeNames={"#record": "record"},
            ExpressionAttributeValues=_item({":endpoint": self._endpoint, ":rollout": "rollout#"}),
        )
        return int(answer["Count"]) + 1

    def open_rollout(
        self, execution: str, release: Release, at: float, *, former: str = "", way_back: WayBack | None = None
    ) -> None:
        """Record that a rollout began. A second call changes nothing.

        `former`: the version that serves. `way_back`: the order, if it is one.
        """
        back: dict[str, object] = {} if way_back is None else {":back": way_back.to_json()}
        values = {":v": release.version, ":d": release.digest, ":o": RUNNING, ":at": iso(at), ":none": []} | back
        values[":former"] = former
        self._update(
            f"rollout#{execution}",
            f"SET {'' if way_back is None else 'way_back = :back, '}former = :former, "
            "version = :v, digest = :d, outcome = if_not_exists(outcome, :o), "
            "started_at = if_not_exists(started_at, :at), steps = if_not_exists(steps, :none)",
            values,
        )

    def rollout(self, execution: str) -> RolloutRecord | None:
        """Return the record of one rollout; `None` if it was never opened."""
        record: Any = self._get(f"rollout#{execution}")
        found: RolloutRecord | None = record
        return found

    def record_step(self, execution: str, index: int, step: StepRecord) -> None:
        """Write the state of one share of a rollout. `index`: its number, 0 for the first."""
        values = {":step": {**step, "percent": Decimal(f"{step['percent']:g}")}}
        self._update(f"rollout#{execution}", f"SET steps[{index:d}] = :step", values)

    def close_rollout(self, execution: str, outcome: str, reason: str, at: float) -> None:
        """Record how a rollout ended. The first end is kept. A rollout that was never opened gets an empty version."""
        values = {":running": RUNNING, ":outcome": outcome, ":reason": reason, ":at": iso(at), ":none": ""}
        self._update(
            f"rollout#{execution}",
            "SET outcome = :outcome, reason = :reason, ended_at = :at, version = if_not_exists(version, :none), "
            "started_at = if_not_exists(started_at, :at)",
            values,
            condition="attribute_not_exists(outcome) OR outcome = :running",
        )

    def record_promotion(self, execution: str, at: float) -> None:
        """Record that the release of a rollout that goes on is promoted. The first time is kept."""
        changes = "SET promoted_at = if_not_exists(promoted_at, :at)"
        self._update(f"rollout#{execution}", changes, {":at": iso(at)})

    def record_told(self, execution: str, mark: str) -> None:
        """Record that an event about a rollout was sent. `mark`: `Notice.mark`."""
        self._update(f"rollout#{execution}", "ADD told :mark", {":mark": {mark}})

    # The landing

    def begin_landing(self, landing: Landing) -> None:
        """Record that a rollout has ended and keeps its instances. This replaces an earlier landing."""
        self._update("landing", "SET landing = :landing", {":landing": landing.to_json()})

    def landing(self) -> Landing | None:
        """Return the landing in progress; `None` without one."""
        item = self._get("landing")
        return Landing.parse(item["landing"]) if item and "landing" in item else None

    def end_landing(self, landing: Landing) -> None:
        """Record that this landing is over. If another rollout has ended since then, its landing is kept."""
        self._update("landing", "REMOVE landing", {":landing": landing.to_json()}, condition="landing = :landing")

    # The adoption

    def remember_scaling(self, former: FormerScaling) -> None:
        """Note that the endpoint waits to be taken over, and what of its scaling is to be put back until then."""
        self._put("former", {"scaling": former.to_text()})

    def former_scaling(self) -> FormerScaling | None:
        """Return that note; `None` for an endpoint that its stack has made."""
        item = self._get("former")
        return None if item is None else FormerScaling.parse(item["scaling"])

    # The cohort

    def publish_cohort(self, cohort: Cohort) -> None:
        """Publish which requests clients must send to a variant."""
        self._update("cohort", "SET cohort = :cohort", {":cohort": cohort.to_json()})

    def cohort(self) -> Cohort | None:
        """Return the published cohort; `None` without one."""
        item = self._get("cohort")
        return Cohort.parse(item["cohort"]) if item and "cohort" in item else None

    def withdraw_cohort(self) -> None:
        """Withdraw the cohort: all requests go by weight again."""
        self._update("cohort", "REMOVE cohort", {})

    # DynamoDB

    def _key(self, record: str) -> Item:
        return _item({"endpoint": self._endpoint, "record": record})

    def _get(self, record: str) -> dict[str, Any] | None:
        answer = self._call("get_item", Key=self._key(record), ConsistentRead=True)
        if "Item" not in answer:
            return None
        return {name: _deserialize(value) for name, value in answer["Item"].items()}

    def _put(self, record: str, values: Mapping[str, object]) -> None:
        item = {"endpoint": self._endpoint, "record": record, **values}
        self._call("put_item", Item=_item(item))

    def _put_lock(self, lock: Lock, at: float, condition: str, values: Mapping[str, object]) -> bool:
        item = {"endpoint": self._endpoint, "record": "lock", "taken_at": iso(at), **lock.to_json()}
        return self._write("put_item", condition=condition, values=values, Item=_item(item))

    def _update(self, record: str, changes: str, values: Mapping[str, object], *, condition: str = "") -> bool:
        """Change one record. `False`: the condition does not hold."""
        return self._write(
            "update_item", condition=condition, values=values, Key=self._key(record), UpdateExpression=changes
        )

    def _write(self, operation: str, *, condition: str, values: Mapping[str, object], **arguments: Any) -> bool:
        if condition:
            arguments["ConditionExpression"] = condition
        if values:
            arguments["ExpressionAttributeValues"] = _item(values)
        try:
            self._call(operation, **arguments)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _call(self, operation: str, **arguments: Any) -> Any:
        with clients.named_failures():
            return getattr(self._client, operation)(TableName=self._table, **arguments)


def _whole(value: Any) -> Any:
    """Return numbers of DynamoDB, which are `Decimal`, as `int`: JSON has no `Decimal`."""
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return int(value) if isinstance(value, Decimal) else value


def _item(values: Mapping[str, object]) -> Item:
    return {name: _serialize(value) for name, value in values.items()}
