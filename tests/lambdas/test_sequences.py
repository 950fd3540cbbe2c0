"""Sequences of releases, each with its own hosting and its own end: what serves stays what it is, every end is safe.

`SEQUENCES=2000 SEED=1 python -m pytest tests/lambdas/test_sequences.py` runs that many, and others than `SEED=2`.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from rollout import slot_decision
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.contract.plan import Scaling
from rollout.decisions.placement import Asked, Slots, first_placement

from canary_tools.aws_models.sagemaker.endpoint import Endpoint
from tests.aws_models.fleets import routed
from tests.lambdas.fakes.connection import connected
from tests.lambdas.fakes.execution import Execution
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, FOLLOWING, PERIOD, SCALED, A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed
from tests.lambdas.live import AS_BEFORE, Live
from tests.lambdas.test_model_packages import Registry

if TYPE_CHECKING:
    from rollout.contract.adoption import Adoption

SEQUENCES = int(os.environ.get("SEQUENCES", "15"))
SEED = int(os.environ.get("SEED", "0"))
RELEASES = 6
SEQUENCES_TO_CATCH_ONE = 60
POINTS = ("ReleaseSlots", "Config", "Endpoint", "VerifiedEndpoint")
"""Before each of them something else in the stack may fail."""
COMPARED = (("Evaluate", 0), ("ShiftTraffic", 1), ("Evaluate", 1), ("ShiftTraffic", 2))
"""When both slots serve, so that an alarm shows whose fault it is."""
MOMENTS = (("Prepare", 0), ("ScaleCanary", 0), ("ShiftTraffic", 0), *COMPARED, ("Promote", 2))
ALARMS = {A: "a-errors", B: "b-errors"}
SIZES = st.sampled_from([30, 60, 120])
TIMEOUTS = st.sampled_from([600, 1200])
KNOBS = st.fixed_dictionaries({}, optional={"VolumeSizeInGB": SIZES, "ModelDataDownloadTimeoutInSeconds": TIMEOUTS})
TYPES = st.sampled_from(["ml.m5.2xlarge", "ml.c5.xlarge"])
SCALINGS = st.sampled_from(
    [
        {**SCALED, "min_instances": 3, "max_instances": 5, "idle_instances": 2, "invocations_per_instance": 4000},
        {**SCALED, "min_instances": 1, "max_instances": 4},
        {**FIXED, "max_instances": 6},
        FOLLOWING,
    ]
)
"""In instances of the release's type; by requests, by nothing, or by a metric of the team."""
OWN = st.fixed_dictionaries(
    {"own_knobs": KNOBS}, optional={"own_type": TYPES, "own_scaling": SCALINGS, "package": st.just("")}
)
"""What a release says of itself. A package is registered, and approved, when it is deployed."""

FLEET_ALARM = "fleet-errors"
GUARDRAILS = (
    {},
    routed("ALL_AT_ONCE", last=600, alarms=[FLEET_ALARM]),
    routed("CANARY", percent=10, wait=300, last=300, alarms=[FLEET_ALARM]),
    routed("LINEAR", percent=40, wait=200, last=200, alarms=[FLEET_ALARM]),
)
WITHIN_A_SWAP = (0, 350, 650)
"""Seconds after the beginning of a deploy; a new fleet is complete after 300, and swapped after 900."""

Hosted = Mapping[str, Any]
"""What a slot serves with: its model, and each property by which its instances are started."""


class Sequences(RuleBasedStateMachine):
    """One endpoint and its releases, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._exits = ExitStack()
        self.shop = Shop(self._exits.enter_context(connected()))
        self.registry = Registry(self.shop.aws)
        self.shop.aws.sagemaker.endpoints.on_change.append(self._watch)
        self.serving: dict[str, Hosted] = {}
        self.changed: list[str] = []
        self.releases: dict[str, tuple[str, dict[str, Any]]] = {}
        """The outcome of each release, and what it was declared with; by version."""
        self.stable = ""
        self.undone = 0
        self.knobs: dict[str, Any] = {}
        self.guardrail: dict[str, Any] = {}
        """How SageMaker swaps the fleet, and what it watches meanwhile."""
        self.adopt: Adoption | None = None

    def teardown(self) -> None:
        self._exits.close()

    def _watch(self, endpoint: Endpoint) -> None:
        """Note a slot that serves with something else than before; a knob may be new to the endpoint."""
        now = {} if endpoint.fleet is None else hosted(endpoint, serving=True)
        for slot, before in self.serving.items():
            if slot in now and not before.items() <= now[slot].items():
                self.changed.append(f"{slot} served with {before}, then with {now[slot]}")
        self.serving = now

    # What people do

    @initialize(knobs=KNOBS, live=st.booleans(), point=st.sampled_from((None, *POINTS)), own=OWN)
    def an_endpoint_serves(self, *, knobs: dict[str, Any], live: bool, point: str | None, own: dict[str, Any]) -> None:
        """It is the stack's own, or it was live before, and is adopted: perhaps at the second attempt."""
        self.knobs = knobs
        self.shop.aws.cloudwatch.alarms[FLEET_ALARM] = "OK"
        if live:
            self._is_adopted(point, own)
        else:
            self.shop.serve_first(knobs=knobs)
            self.stable = "v1"
            self.releases["v1"] = (PROMOTED, {})

    def _is_adopted(self, point: str | None, own: dict[str, Any]) -> None:
        made = Live(self.shop)
        self.adopt = made.adoption
        self.shop.deploy("", **self._of_endpoint())
        self.shop.settle()
        assert made.scaling() == AS_BEFORE
        if point is not None:
            serving = self.serving
            self._undone(point, own)
            self.shop.wait_until_quiet()
            assert self.serving == serving
            assert made.scaling() == AS_BEFORE
        self.stable = made.adoption.version
        self._new_release(own, "promoted", MOMENTS[-1])

    @rule(own=OWN)
    def a_release_is_promoted(self, own: dict[str, Any]) -> None:
        self._new_release(own, "promoted", MOMENTS[-1])

    @rule(own=OWN, moment=st.sampled_from(COMPARED))
    def a_release_is_rejected(self, own: dict[str, Any], moment: tuple[str, int]) -> None:
        self._new_release(own, "alarm", moment)

    @rule(own=OWN, end=st.sampled_from(("abort", "death")), moment=st.sampled_from(MOMENTS))
    def a_rollout_is_stopped(self, own: dict[str, Any], end: str, moment: tuple[str, int]) -> None:
        self._new_release(own, end, moment)

    def _new_release(self, own: dict[str, Any], end: str, moment: tuple[str, int]) -> None:
        self._rolls_out(f"v{len(self.releases) + 1}", self._declared(own), end, moment)

    def _declared(self, own: dict[str, Any]) -> dict[str, Any]:
        knobs = {name: value for name, value in own["own_knobs"].items() if name in self.knobs}
        package = {"package": self.registry.register()} if "package" in own else {}
        return {**own, **package, "own_knobs": knobs}

    @rule(own=OWN)
    def a_package_that_is_not_approved_is_refused(self, own: dict[str, Any]) -> None:
        """Its version is free afterwards."""
        package = self.registry.register("PendingManualApproval")
        declared = {**self._declared(own), "package": package}
        before, version = self._slots(), f"v{len(self.releases) + 1}"
        with refused("is PendingManualApproval, and must be Approved"):
            self._deploys(version, declared)
        self.shop.settle()
        assert self.shop.running() is None
        assert self._slots() == before
        self.registry.set(package, "Approved")
        self._rolls_out(version, declared, "promoted", MOMENTS[-1])

    @rule(own=OWN)
    def an_approval_is_withdrawn_before_the_rollout_begins(self, own: dict[str, Any]) -> None:
        package = self.registry.register()
        declared, version = {**self._declared(own), "package": package}, f"v{len(self.releases) + 1}"
        self._deploys(version, declared)
        self.registry.set(package, "Rejected")
        self.shop.settle()
        execution = self.shop.running()
        assert execution is not None
        self.shop.run(execution)
        assert self.shop.outcome(execution)[0] == NOT_JUDGED
        self.releases[version] = (NOT_JUDGED, declared)

    @rule(guardrail=st.sampled_from(GUARDRAILS))
    def the_next_deploys_swap_the_fleet_in_another_way(self, guardrail: dict[str, Any]) -> None:
        self.guardrail = guardrail

    @rule(own=OWN, guardrail=st.sampled_from(GUARDRAILS[1:]), after=st.sampled_from(WITHIN_A_SWAP))
    def an_alarm_sends_the_fleet_back(self, own: dict[str, Any], guardrail: dict[str, Any], after: int) -> None:
        """The alarm stays until the stack has come to rest, so the way back is taken with it in ALARM."""
        alarms, clock, before = self.shop.aws.cloudwatch.alarms, self.shop.aws.clock, self._slots()
        self.guardrail = guardrail
        self.undone += 1
        clock.call_at(clock.now() + after, lambda: alarms.update({FLEET_ALARM: "ALARM"}))
        with refused(f"SageMaker did not move endpoint {ENDPOINT} .*{FLEET_ALARM} is in ALARM"):
            self._deploys(f"undone{self.undone}", self._declared(own))
        self.shop.settle()
        self.shop.wait_until_quiet()
        assert self.shop.running() is None
        assert self._slots() == before
        alarms[FLEET_ALARM] = "OK"

    @rule(added=KNOBS)
    def a_knob_is_given_to_the_endpoint(self, added: dict[str, Any]) -> None:
        """It comes with a release, because the content of the one that serves may not change."""
        self.knobs = {**added, **self.knobs}
        self._rolls_out(f"v{len(self.releases) + 1}", {}, "promoted", MOMENTS[-1])

    @rule(scaling=SCALINGS)
    def the_scaling_of_what_serves_changes_alone(self, scaling: dict[str, Any]) -> None:
        """It is no content: nothing is rolled out."""
        deployed = self.shop.stack.deployed
        if deployed is not None and deployed.template.version == self.stable:
            declared = {**self.releases[self.stable][1], "own_scaling": scaling}
            self._deploys(self.stable, declared)
            self.shop.settle()
            assert self.shop.running() is None
            self.releases[self.stable] = (PROMOTED, declared)

    @rule()
    def the_team_goes_back_to_the_release_before(self) -> None:
        promoted = [version for version, (outcome, _) in self.releases.items() if outcome == PROMOTED]
        if len(promoted) > 1:
            version = promoted[-2]
            self._rolls_out(version, self.releases[version][1], "promoted", MOMENTS[-1])

    @rule()
    def a_rejected_release_is_asked_for_again(self) -> None:
        """The one that was declared last may stay in the template, and nothing starts."""
        rejected = [version for version, (outcome, _) in self.releases.items() if outcome == ROLLED_BACK]
        for version in rejected[:1]:
            deployed = self.shop.stack.deployed
            assert deployed is not None
            expected = nullcontext() if version == deployed.template.version else refused(version)
            with expected:
                self._deploys(version, self.releases[version][1])
            self.shop.settle()
            assert self.shop.running() is None

    @rule(point=st.sampled_from(POINTS), own=OWN)
    def a_deploy_is_undone_because_something_else_fails(self, point: str, own: dict[str, Any]) -> None:
        before, bounds = self._slots(), self.shop.scaling()
        self._undone(point, own)
        self.shop.wait_until_quiet()
        assert self._slots() == before
        assert self.shop.scaling() == bounds

    def _undone(self, point: str, own: dict[str, Any]) -> None:
        self.undone += 1
        declared = {**self._of_endpoint(), **self._declared(own), "settings": self.shop.settings}
        deploying: Any = self.shop.stack.deploying(self.shop.stack.template(f"undone{self.undone}", **declared))
        while next(deploying) != point:
            pass
        deploying.throw(DeployFailed("something else failed"))
        with pytest.raises(DeployFailed, match="something else"):
            next(deploying)
        self.shop.settle()
        assert self.shop.running() is None

    def _deploys(self, version: str, declared: dict[str, Any]) -> None:
        self.shop.deploy(version, **self._of_endpoint(), **declared)

    def _of_endpoint(self) -> dict[str, Any]:
        return {"knobs": self.knobs, "adopt": self.adopt, "deployment_config": self.guardrail}

    @rule(count=st.integers(2, 4))
    def auto_scaling_changes_the_instances_of_what_serves(self, count: int) -> None:
        self.shop.aws.sagemaker.endpoints.update_weights_and_capacities(
            {
                "EndpointName": ENDPOINT,
                "DesiredWeightsAndCapacities": [{"VariantName": self._slot(), "DesiredInstanceCount": count}],
            }
        )
        self.shop.wait_until_quiet()

    def _rolls_out(self, version: str, declared: dict[str, Any], end: str, moment: tuple[str, int]) -> None:
        self._deploys(version, declared)
        self.shop.settle()
        execution = self.shop.running()
        assert execution is not None, f"{version} is not rolled out"
        if end == "promoted":
            self.shop.run(execution)
        else:
            self.shop.run(execution, moment[0], index=moment[1])
            self._ends_early(execution, end)
        outcome = self.shop.outcome(execution)[0]
        expected = {"promoted": PROMOTED, "alarm": ROLLED_BACK, "abort": NOT_JUDGED, "death": NOT_JUDGED}[end]
        assert outcome == expected, (version, end, moment, self.shop.outcome(execution))
        self.releases.pop(version, None)  # the newest one comes last
        self.releases[version] = (outcome, declared)
        self.stable = version if outcome == PROMOTED else self.stable

    def _ends_early(self, execution: Execution, end: str) -> None:
        if end == "alarm":
            (canary,) = (slot for slot, model in self.shop.models().items() if self._holds(model) != self.stable)
            self.shop.serve_for(3 * PERIOD)
            self.shop.panic(ALARMS[canary])
            self.shop.run(execution)
        else:
            self.shop.stop(execution)
            if end == "abort":
                self.shop.restore(execution.name)
            else:
                self.shop.look_for_what_was_left()

    # What must hold

    @staticmethod
    def _holds(model: str) -> str:
        """Return the version in a model's name."""
        return model.split("-")[1]

    def _slots(self) -> Mapping[str, Hosted]:
        return hosted(self.shop.aws.sagemaker.endpoints.find(ENDPOINT))

    def _slot(self) -> str:
        (slot,) = [slot for slot, weight in self.shop.weights().items() if weight > 0]
        return slot

    @invariant()
    def what_serves_is_what_was_promoted_and_the_end_is_safe(self) -> None:
        if self.stable:
            assert self.shop.unsafe() == []
            assert self.changed == []
            assert self._holds(self.shop.models()[self._slot()]) == self.stable


def refused(why: str) -> AbstractContextManager[object]:
    """Expect that a deploy is refused."""
    return pytest.raises(DeployFailed, match=why)


def hosted(endpoint: Endpoint, *, serving: bool = False) -> dict[str, Hosted]:
    """Return what each slot is started with; only those with traffic when `serving`."""
    assert endpoint.fleet is not None
    started = {variant["VariantName"]: variant for variant in endpoint.fleet.config["ProductionVariants"]}
    left_out = {"InitialInstanceCount", "InitialVariantWeight"}
    return {
        name: {key: value for key, value in started[name].items() if key not in left_out}
        for name, variant in endpoint.fleet.variants.items()
        if variant.current_weight > 0 or not serving
    }


def explored(sequences: int) -> None:
    """Run sequences, the same ones each time for a `SEED`."""
    seed(SEED)(Sequences)
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=RELEASES,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_sequence_of_releases_breaks_an_invariant() -> None:
    explored(SEQUENCES)


def what_serves_gets_the_release_s_model(patch: pytest.MonkeyPatch) -> None:
    def next_placement(_declared: Slots, asked: Asked, _scaling: Scaling, *, stable: str) -> Slots:
        placed = first_placement(asked)
        return placed if stable == A else dict(zip(placed, reversed(placed.values()), strict=True))

    patch.setattr(slot_decision, "next_placement", next_placement)


def test_a_deploy_that_gives_the_release_to_the_slot_that_serves_is_caught() -> None:
    with pytest.MonkeyPatch.context() as patch:
        what_serves_gets_the_release_s_model(patch)
        with pytest.raises((AssertionError, DeployFailed)):
            explored(SEQUENCES_TO_CATCH_ONE)
