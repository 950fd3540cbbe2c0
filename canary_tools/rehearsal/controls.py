"""What people and other systems do during a rehearsal."""

from collections.abc import Callable, Mapping
from typing import Any

from rollout.contract.names import SLOTS

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from canary_tools.rehearsal.deployment import Deployment, Release
from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.people import COMMANDS, People
from canary_tools.rehearsal.record.observation import Observation
from canary_tools.rehearsal.scenario import Control
from canary_tools.rehearsal.scenario.distortions import DISTORTIONS
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.template import alarm_names

RETRY_SECONDS = 5.0
PATIENCE_SECONDS = 3600.0
FLAP_SECONDS = 30.0
FLAPS = 10 * (AlarmState.ALARM, AlarmState.OK)
DISTORTED_SECONDS = 300.0
OF_THE_ENDPOINT = frozenset({"deploy", "set-weights", "delete-endpoint"})
"""These change the endpoint. They are left out once the rollout is over, because it does not answer for them."""


class Controls:
    """Carries out the scenario's controls, each in a process of its own."""

    def __init__(self, aws: SimulatedAws, deployment: Deployment, observation: Observation) -> None:
        self._aws = aws
        self._deployment = deployment
        self._observation = observation
        self._people = People(aws, observation)
        self._deploys = 0
        self._actions = self._table()

    def check(self) -> None:
        """Refuse controls that name a variant or an alarm that is not there.

        Raises:
            RehearsalError: for an unknown variant or alarm.
        """
        alarms = alarm_names(self._aws.declared.plan)
        for control in self._aws.scenario.controls:
            unknown = [name for name in control.weights if name not in SLOTS]
            if unknown:
                raise RehearsalError(f"controls: weights names {unknown[0]}, the variants are {', '.join(SLOTS)}")
            if control.alarm and control.alarm not in alarms:
                raise RehearsalError(f"controls: there is no alarm {control.alarm}; there are {', '.join(alarms)}")

    def schedule(self) -> None:
        """Plan all controls. Their times count from now, the beginning of the rollout."""
        for control in self._aws.scenario.controls:
            self._plan(control)

    def _plan(self, control: Control) -> None:
        def begin() -> None:
            self._aws.processes.start(lambda: self._act(control))

        self._aws.clock.call_at(self._aws.zero + control.at_s, begin)

    def _act(self, control: Control) -> None:
        if control.do in OF_THE_ENDPOINT and self._is_over():
            self._observation.note("control", f"{control.do} came after the end of the rollout and was left out")
            return
        self._observation.note("control", f"control: {control.do}")
        self._actions[control.do](control)

    def _table(self) -> dict[str, Callable[[Control], object]]:
        """Return what each control does."""
        aws = self._aws
        return {
            **dict.fromkeys(COMMANDS, self._people.order),
            "stop-execution": lambda _: self._stop("Stopped"),
            "time-out-execution": lambda _: self._time_out(),
            "deploy": lambda _: self._deploy(),
            "set-weights": self._set_weights,
            "weights-fall-back": lambda _: aws.sagemaker.faults.weight_rollbacks.add(aws.declared.endpoint_name),
            "delete-endpoint": lambda _: self._until_accepted(aws.sagemaker.endpoints.delete, {}),
            "delete-alarm": lambda control: aws.alarms.delete([self._alarm(control)]),
            "hold-alarm-in-alarm": lambda control: aws.alarms.hold(self._alarm(control), AlarmState.ALARM),
            "hold-alarm-in-ok": lambda control: aws.alarms.hold(self._alarm(control), AlarmState.OK),
            "flap-alarm": lambda control: self._flap(self._alarm(control)),
            "duplicate-event": lambda _: self._repeat(),
            "delay-events": lambda _: self._delay(),
            **dict.fromkeys(DISTORTIONS, self._distort),
        }

    def _repeat(self) -> None:
        self._aws.bus.repeat()
        self._aws.stream.repeat()

    def _delay(self) -> None:
        self._aws.bus.delay()
        self._aws.stream.delay()

    def _is_over(self) -> bool:
        """Tell whether the rollout no longer answers for the endpoint.

        That is so when the endpoint is deleted, or when every execution has ended and either the lock is free or the
        ledger says how each rollout ended.
        """
        if not self._aws.has_endpoint():
            return True
        executions = self._aws.executions.all()
        if any(execution["status"] == "RUNNING" for execution in executions):
            return False
        records = [self._aws.rollout(execution) for execution in executions]
        return self._aws.record("lock") is None or all("ended_at" in record for record in records)

    def _stop(self, error: str) -> None:
        """Stop the execution, as anybody can."""
        for execution in self._aws.executions.all():
            self._aws.executions.stop(execution, error=error, cause=f"{error.lower()} by hand")

    def _time_out(self) -> None:
        for execution in self._aws.executions.all():
            self._aws.executions.time_out(execution)

    def _flap(self, alarm: str) -> None:
        """Change the state of an alarm again and again; afterwards it follows its data."""
        for state in FLAPS:
            self._aws.alarms.hold(alarm, state)
            self._aws.processes.pause(FLAP_SECONDS)
        self._aws.alarms.release(alarm)

    def _distort(self, control: Control) -> None:
        gaps, usual = self._aws.gaps, self._aws.gaps.distortions
        releases = ("canary", "stable") if control.who == "both" else (control.who,)
        gaps.distortions = usual | dict.fromkeys(releases, DISTORTIONS[control.do])
        self._aws.processes.pause(DISTORTED_SECONDS)
        gaps.distortions = usual

    def _deploy(self) -> None:
        self._deploys += 1
        of_template = self._deployment.release()
        version = f"{of_template.version}-next-{self._deploys}"
        refused = self._deployment.deploy(Release(version=version, digest=f"{of_template.digest}-{self._deploys}"))
        outcome = f"the deploy of {version} was refused: {refused}" if refused else f"{version} was deployed"
        self._observation.note("control", outcome)

    def _set_weights(self, control: Control) -> None:
        rows = [{"VariantName": name, "DesiredWeight": weight} for name, weight in control.weights.items()]
        request = {"DesiredWeightsAndCapacities": rows}
        self._until_accepted(self._aws.sagemaker.endpoints.update_weights_and_capacities, request)

    def _until_accepted(self, operation: Callable[[Mapping[str, Any]], object], request: Mapping[str, Any]) -> None:
        """Change the endpoint. While it is busy and the rollout runs, try again, as a person would."""
        until = self._aws.clock.now() + PATIENCE_SECONDS
        while self._aws.clock.now() < until and self._aws.has_endpoint() and not self._is_over():
            try:
                operation({"EndpointName": self._aws.declared.endpoint_name, **request})
            except ApiError:
                self._aws.processes.pause(RETRY_SECONDS)
            else:
                return

    def _alarm(self, control: Control) -> str:
        """Return the alarm that a control names, or the first one of the new release."""
        if control.alarm:
            return control.alarm
        return self._aws.declared.plan.settings.alarms[self._observation.slot][0]
