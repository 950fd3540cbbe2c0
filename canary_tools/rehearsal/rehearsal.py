"""One rehearsal: a deploy, the rollout that it starts, and everything that follows, on a virtual clock."""

import gc
import importlib
import logging
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import botocore.endpoint
from rollout import clock as clock_of_people

from canary_tools.rehearsal.controls import Controls
from canary_tools.rehearsal.deployment import Deployment, Release
from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.last_look import last_look
from canary_tools.rehearsal.observer import Observer
from canary_tools.rehearsal.outcome import Outcome
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.scenario import Scenario
from canary_tools.rehearsal.services import botocore_requests
from canary_tools.rehearsal.services.executions import Execution
from canary_tools.rehearsal.services.fast_copies import PlainCopies
from canary_tools.rehearsal.services.faults import check_calls
from canary_tools.rehearsal.simulated_aws import LEAD_SECONDS, SimulatedAws
from canary_tools.rehearsal.template import DeclaredEndpoint
from canary_tools.rehearsal.virtual_time.processes import VirtualTime
from canary_tools.sandbox.emulator.patching import Patches

CLOCK = "rollout.clock"
BEFORE = Release(version="before", digest="the release that serves", is_usual=True)
WARM_UP_SECONDS = 900.0
AFTERMATH_SECONDS = 600.0
"""How long a rehearsal goes on after everything has come to rest."""
HARM_SECONDS = 1800.0
"""How long it goes on at least after the end of the execution: what the rollout did to users may come that late."""
LONGEST_REST_SECONDS = 8 * 3600.0
"""How long after the end of the execution a rehearsal waits for everything to come to rest: events are delivered
again for hours, but a state that lasts longer is the end."""
ROLLOUT_STARTS_WITHIN_SECONDS = 3600.0
LONGEST_AROUND_SECONDS = 24 * 3600.0
"""What a rollout may need beside its bakes before a rehearsal holds that it never ends."""

OBJECTS_BETWEEN_COLLECTIONS = 100_000


def rehearse(declared: DeclaredEndpoint, scenario: Scenario) -> Rehearsed:
    """Rehearse a rollout.

    Raises:
        RehearsalError: when scenario and template do not fit.
    """
    check_calls(scenario.faults)
    for name in ("states", "dynamodb"):
        logging.getLogger(name).setLevel(logging.ERROR)  # the emulator announces each execution and table
    begun = time.perf_counter()
    patches = Patches()
    state = random.getstate()
    with rare_collections():
        aws = SimulatedAws(declared, scenario)
        try:
            return _Run(aws, patches).run(begun)
        finally:
            aws.close()
            patches.undo()
            random.setstate(state)


class _Names:
    """Stands in for the module `uuid`, by which botocore names its requests; the system's randomness is slow."""

    @staticmethod
    def uuid4() -> UUID:
        return UUID(int=0)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python look for unreachable cycles less often: a rehearsal makes many objects and hardly a cycle."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Run:
    def __init__(self, aws: SimulatedAws, patches: Patches) -> None:
        self._aws = aws
        self._connect(patches)
        self._deployment = Deployment(aws, patches)
        self._observer = Observer(aws)
        self._observation = self._observer.observation
        self._controls = Controls(aws, self._deployment, self._observation)
        self._controls.check()
        self._instances_before = 0

    def run(self, begun: float) -> Rehearsed:
        aws = self._aws
        aws.begin()
        aws.processes.start(self._deploy)
        execution = self._wait_for_rollout()
        self._wait_for_end(execution)
        self._wait_for_rest()
        return Rehearsed(
            scenario=aws.scenario,
            declared=aws.declared,
            result=Outcome(aws, self._observation, execution, self._instances_before).result(),
            observation=self._observation,
            rollouts={execution["name"]: aws.rollout(execution) for execution in aws.executions.all()},
            last_look=last_look(aws),
            aws=aws,
            virtual_seconds=aws.second(),
            real_seconds=time.perf_counter() - begun,
        )

    def _connect(self, patches: Patches) -> None:
        """Put the virtual clock and the simulated world in the place of the real ones."""
        functions = self._aws.declared.functions.values()
        code = self._aws.functions.code
        for folder in {function.code for function in functions}:
            if code.holds(folder, CLOCK):  # a function that only tells a topic has none
                self._let_tell(code.module(folder, CLOCK), patches)
        self._let_tell(clock_of_people, patches)
        patches.attribute(importlib.import_module("ministack.services.dynamodb"), "copy", PlainCopies())
        botocore_requests.connect(patches, self._aws.api, VirtualTime(self._aws.processes, time))
        for function in functions:
            for name, value in function.environment.items():
                patches.variable(name, value)
        patches.attribute(botocore.endpoint, "uuid", _Names)
        patches.variable("AWS_EC2_METADATA_DISABLED", "true")
        for name in [name for name in os.environ if name.startswith(("AWS_ENDPOINT_URL", "AWS_PROFILE"))]:
            patches.variable(name, None)
        random.seed(self._aws.scenario.seed)  # botocore's repetitions draw their pauses from the global generator

    def _let_tell(self, clock: Any, patches: Patches) -> None:
        """Let a module tell the virtual time."""
        patches.attribute(clock, "now", self._aws.clock.now)
        patches.attribute(clock, "pause", self._aws.processes.pause)

    def _deploy(self) -> None:
        """Deploy what serves, let users come, then deploy the release: its rollout begins by itself."""
        aws = self._aws
        self._deployment.deploy(BEFORE)
        self._deployment.fit_instances(aws.scenario.traffic.rps)
        aws.processes.pause(max(WARM_UP_SECONDS, (aws.scenario.deployed_at or 0.0) - aws.clock.now()))
        release = self._deployment.release()
        aws.release_model = f"{aws.declared.stack_name}-model-{release.version}".replace(".", "-")
        refused = self._deployment.deploy_when_quiet(release)
        if refused:
            raise RehearsalError(f"the deploy before the rollout was refused: {refused}")
        if not aws.declared.plan.settings.start_on_deploy:
            aws.processes.pause(AFTERMATH_SECONDS / 10)
            request = {"stateMachineArn": aws.declared.machine_arn, "name": f"{release.version}-1", "input": "{}"}
            aws.executions.operations()["StartExecution"](request)

    def _wait_for_rollout(self) -> Execution:
        latest = self._aws.clock.now() + WARM_UP_SECONDS + LEAD_SECONDS + 3 * ROLLOUT_STARTS_WITHIN_SECONDS
        while not self._aws.executions:
            self._next()
            if self._aws.clock.now() > latest:
                raise RehearsalError("the deploy settled, but no rollout began")
        self._aws.start_counting()
        self._instances_before = sum(row["CurrentInstanceCount"] for row in self._aws.endpoint()["ProductionVariants"])
        self._observer.begin()
        self._controls.schedule()
        return self._aws.executions.all()[0]

    def _wait_for_end(self, execution: Execution) -> None:
        steps = self._aws.declared.plan.steps
        held = self._aws.declared.plan.longest_hold_seconds
        longest = sum(step.max_bake_seconds for step in steps) + held + LONGEST_AROUND_SECONDS
        while execution["status"] == "RUNNING" and self._aws.second() < longest:
            self._next()

    def _wait_for_rest(self) -> None:
        """Go on until nobody has the lock, nothing runs or lands, all controls have had their time, and a while."""
        scenario = self._aws.scenario
        latest_control = max((control.at_s for control in scenario.controls), default=0.0)
        ended = self._aws.clock.now()
        until = min(
            max(latest_control + self._aws.zero, ended + HARM_SECONDS - AFTERMATH_SECONDS), ended + LONGEST_REST_SECONDS
        )
        limit = self._aws.clock.now() + LONGEST_REST_SECONDS
        quiet_since = self._aws.clock.now()
        while self._aws.clock.now() < min(max(until, quiet_since) + AFTERMATH_SECONDS, limit):
            self._next()
            if self._is_restless():
                quiet_since = self._aws.clock.now()

    def _is_restless(self) -> bool:
        aws = self._aws
        return bool(aws.functions.running or aws.is_changing() or "holder" in aws.lock() or aws.is_landing())

    def _next(self) -> None:
        due = self._aws.clock.next_due()
        assert due is not None
        self._aws.clock.advance_to(due)
