"""Installs SageMaker and Application Auto Scaling in the emulator."""

import random
import shutil
import tempfile
from pathlib import Path

from canary_tools.aws_models.api.events import Emit
from canary_tools.aws_models.api.throttle import Throttle
from canary_tools.aws_models.autoscaling.tracking import TrackingSpeed
from canary_tools.aws_models.cloudwatch.alarms import Alarms
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.hosting.operations import sagemaker_operations, scaling_operations
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.metric_delays import MetricDelay, around
from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from canary_tools.aws_models.sagemaker.packages import emit_package_change
from canary_tools.aws_models.sagemaker.state_events import emit_state_change
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.clock import Clock
from canary_tools.sandbox.cloudformation.failing_siblings import FailingSiblings
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import PLACE, SandboxSettings
from canary_tools.sandbox.emulator.turns import Turns, TurnTakingClock
from canary_tools.sandbox.iam.permissions import may_call, may_describe_alarms
from canary_tools.sandbox.sagemaker import model_interfaces
from canary_tools.sandbox.sagemaker.admission import admitted
from canary_tools.sandbox.sagemaker.archives import Archives
from canary_tools.sandbox.sagemaker.data_capture import DataCapture
from canary_tools.sandbox.sagemaker.emulator_services import register_services, register_tag_search
from canary_tools.sandbox.sagemaker.local_host import LocalHost
from canary_tools.sandbox.sagemaker.object_store import (
    fetch_object,
    may_list_bucket,
    may_read_object,
    may_write_object,
    objects_below,
    store_object,
)
from canary_tools.sandbox.sagemaker.runtime import Runtime
from canary_tools.sandbox.sagemaker_types import register_resource_types

__all__ = ["RunningSageMaker", "install"]


class RunningSageMaker:
    """SageMaker as it runs in the sandbox, with switches for failures."""

    def __init__(
        self,
        *,
        hosting: SageMakerHosting,
        turns: Turns,
        throttle: Throttle,
        host: LocalHost,
        folder: Path,
        patches: Patches,
        siblings: FailingSiblings,
    ) -> None:
        self.hosting = hosting
        self._siblings = siblings
        self._turns = turns
        self._throttle = throttle
        self._host = host
        self._folder = folder
        self._patches = patches

    def fail_next_update(self, endpoint_name: str, reason: str, *, silent: bool = True) -> None:
        """Make the next update of an endpoint fail.

        It returns to `InService` on its old fleet, or ends as `Failed` if not `silent`.
        """
        with self._turns:
            self.hosting.faults.updates[endpoint_name] = UpdateFailure(reason=reason, silent=silent)

    def fail_sibling(self, endpoint_name: str) -> None:
        """Let another resource of the stack fail while the next deploy of an endpoint still runs."""
        with self._turns:
            self._siblings.order(endpoint_name)

    def stall_capacity(self, endpoint_name: str, variant: str, *, seconds: float | None = None) -> None:
        """Give a variant no more instances. Each request for one keeps the endpoint busy for `seconds`."""
        with self._turns:
            self.hosting.faults.stalled[endpoint_name, variant] = seconds

    def release_capacity(self, endpoint_name: str, variant: str) -> None:
        """Give the variant instances again, after `stall_capacity`."""
        with self._turns:
            self.hosting.faults.stalled.pop((endpoint_name, variant), None)

    def roll_back_next_weights(self, endpoint_name: str) -> None:
        """Make the next change of weights go through `RollingBack` and end with the old weights."""
        with self._turns:
            self.hosting.faults.weight_rollbacks.add(endpoint_name)

    def throttle(self, operation: str, seconds: float) -> None:
        """Refuse an operation, such as `UpdateEndpoint` or `RegisterScalableTarget`, for some seconds."""
        with self._turns:
            self._throttle.refuse(operation, seconds)

    def close(self) -> None:
        """End every worker process, and remove the services from the emulator."""
        self._patches.undo()
        self._host.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def install(
    *, settings: SandboxSettings, clock: Clock, metrics: MetricStore, alarms: Alarms, emit: Emit
) -> RunningSageMaker:
    """Install SageMaker and Application Auto Scaling in the emulator of this process."""
    turns, patches = Turns(), Patches()
    own_clock = TurnTakingClock(clock, turns)
    folder = Path(tempfile.mkdtemp(prefix="sandbox-models-"))
    host = LocalHost(
        archives=Archives(
            folder,
            lambda url: fetch_object(PLACE, url),
            below=lambda url: objects_below(PLACE, url),
            may_read=may_read_object if settings.enforce_iam else lambda _role, _url: True,
            may_list=may_list_bucket if settings.enforce_iam else lambda _role, _url: True,
        ),
        turn=turns,
        queue_size=settings.instance_queue_size,
        timeout_seconds=settings.model_timeout_seconds,
        may_call=may_call if settings.enforce_iam else lambda _role, _function: True,
    )
    hosting = SageMakerHosting(
        place=PLACE, clock=own_clock, host=host, timing=_timing(settings), record=metrics.record,
        metric_delay=_metric_delay(settings), undocumented=settings.undocumented,
        tracking_speed=TrackingSpeed(period_seconds=settings.scaling_period_seconds),
    )  # fmt: skip
    hosting.scaling.deregistration_seconds = settings.deregistration_seconds
    hosting.endpoints.alarm_state = lambda name: None if (alarm := alarms.get(name)) is None else alarm.state.value
    if settings.enforce_iam:
        hosting.endpoints.may_watch_alarms = may_describe_alarms
    hosting.endpoints.on_change.append(lambda endpoint: emit_state_change(emit, clock, endpoint))
    hosting.catalogue.packages.on_change.append(lambda package: emit_package_change(emit, package))
    hosting.endpoints.on_change.append(lambda _endpoint: turns.notify_all())
    hosting.endpoints.on_deleted.append(lambda _name: turns.notify_all())
    throttle = Throttle(clock=own_clock, calls_per_second=settings.changing_calls_per_second)
    runtime = Runtime(
        place=PLACE, endpoints=hosting.endpoints, metrics=hosting.metrics, turn=turns,
        generator=random.Random(settings.seed),  # noqa: S311 - splits traffic
        capture=_data_capture(settings, clock), role_of=lambda model: _role_of(hosting, model),
    )  # fmt: skip
    register_services(
        patches,
        sagemaker=admitted(sagemaker_operations(hosting), throttle, turns),
        scaling=admitted(scaling_operations(hosting), throttle, turns),
        runtime=runtime,
    )
    register_tag_search(patches, hosting, turns)
    siblings = FailingSiblings()
    register_resource_types(
        patches, hosting, turns, notices_failed_update=settings.cloudformation_notices_failed_update,
        imports_endpoints=settings.cloudformation_imports_endpoints, siblings=siblings,
    )  # fmt: skip
    model_interfaces.install(patches, hosting, clock=own_clock, linger_seconds=settings.interface_linger_seconds)
    return RunningSageMaker(
        hosting=hosting, turns=turns, throttle=throttle, host=host, folder=folder, patches=patches, siblings=siblings
    )


def _role_of(hosting: SageMakerHosting, model_name: str) -> str:
    """Return the ARN of a model's execution role; empty for a model that was deleted while it serves."""
    models = hosting.catalogue.models
    return str(models.find(model_name).properties["ExecutionRoleArn"]) if models.holds(model_name) else ""


def _data_capture(settings: SandboxSettings, clock: Clock) -> DataCapture:
    return DataCapture(
        write=lambda url, content: store_object(PLACE, url, content),
        may_write=may_write_object if settings.enforce_iam else lambda _role, _url: True,
        now=clock.now,
        generator=random.Random(settings.seed),  # noqa: S311 - draws requests
    )


def _metric_delay(settings: SandboxSettings) -> MetricDelay:
    delays = around(settings.metric_delay_seconds)
    generator = random.Random(settings.seed)  # noqa: S311 - a simulation, not a secret
    return lambda _source: delays.draw(generator)


def _timing(settings: SandboxSettings) -> Timing:
    return Timing(
        fleet_update_seconds=settings.fleet_update_seconds,
        instance_launch_seconds=settings.instance_launch_seconds,
        weight_update_seconds=settings.weight_update_seconds,
    )
