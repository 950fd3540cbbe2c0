"""What people and other systems do during a rehearsal."""

from canary_tools.rehearsal.deployment import Deployment, Release
from canary_tools.rehearsal.observation import Observation
from canary_tools.rehearsal.reading import RehearsalError
from canary_tools.rehearsal.scenario import Control
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.sandbox.sagemaker.errors import ApiError

RETRY_SECONDS = 5.0
PATIENCE_SECONDS = 3600.0


class Controls:
    """Carries out the scenario's controls, each in a process of its own."""

    def __init__(self, aws: SimulatedAws, deployment: Deployment, observation: Observation) -> None:
        self._aws = aws
        self._deployment = deployment
        self._observation = observation
        self._deploys = 0

    def check(self) -> None:
        """Refuse controls that name what is not there.

        Raises:
            RehearsalError: for an unknown variant or alarm.
        """
        slots = [name for name in self._aws.declared.plan["alarms"] if name != "caller"]
        alarms = [alarm["AlarmName"] for alarm in self._aws.declared.alarms]
        for control in self._aws.scenario.controls:
            unknown = [name for name in control.weights if name not in slots]
            if unknown:
                raise RehearsalError(f"controls: weights names {unknown[0]}, the variants are {', '.join(slots)}")
            if control.alarm and control.alarm not in alarms:
                raise RehearsalError(f"controls: there is no alarm {control.alarm}; there are {', '.join(alarms)}")

    def schedule(self) -> None:
        """Plan them all; the rollout begins now."""
        for control in self._aws.scenario.controls:
            self._plan(control)

    def _plan(self, control: Control) -> None:
        def begin() -> None:
            self._aws.processes.start(lambda: self._act(control))

        self._aws.clock.call_at(self._aws.zero + control.at_s, begin)

    def _act(self, control: Control) -> None:
        if control.do in {"deploy", "set-weights"} and self._is_over():
            self._observation.note("control", f"{control.do} came after the end of the rollout and was left out")
            return
        self._observation.note("control", f"control: {control.do}")
        match control.do:
            case "abort" | "stop-execution":
                self._stop("Aborted" if control.do == "abort" else "Stopped")
            case "deploy":
                self._deploy()
            case "set-weights":
                self._set_weights(control)
            case "delete-alarm":
                self._aws.alarms.delete([control.alarm or self._first_alarm()])
            case "duplicate-event":
                self._aws.bus.repeat()

    def _is_over(self) -> bool:
        """Tell whether what happens to the endpoint now is no business of the rollout any more."""
        running = [execution for execution in self._aws.executions.all() if execution["status"] == "RUNNING"]
        return not running and self._aws.table.item(self._aws.declared.endpoint_name, "lock") is None

    def _stop(self, error: str) -> None:
        """Stop the rollout: an operator aborts it in the same way."""
        for execution in self._aws.executions.all():
            self._aws.executions.stop(execution, error=error, cause=f"{error.lower()} by hand")

    def _deploy(self) -> None:
        self._deploys += 1
        of_template = self._deployment.release()
        version = f"{of_template.version}-next-{self._deploys}"
        refused = self._deployment.deploy(Release(version=version, digest=f"{of_template.digest}-{self._deploys}"))
        outcome = f"the deploy of {version} was refused: {refused}" if refused else f"{version} was deployed"
        self._observation.note("control", outcome)

    def _set_weights(self, control: Control) -> None:
        rows = [{"VariantName": name, "DesiredWeight": weight} for name, weight in control.weights.items()]
        request = {"EndpointName": self._aws.declared.endpoint_name, "DesiredWeightsAndCapacities": rows}
        until = self._aws.clock.now() + PATIENCE_SECONDS
        while self._aws.clock.now() < until:
            try:
                self._aws.sagemaker.endpoints.update_weights_and_capacities(request)
            except ApiError:
                self._aws.processes.pause(RETRY_SECONDS)
            else:
                return

    def _first_alarm(self) -> str:
        names: list[str] = self._aws.declared.plan["alarms"][self._observation.canary_slot()]
        return names[0]
