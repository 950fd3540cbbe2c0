"""The local AWS: the emulator in this process, with everything that completes it."""

import importlib
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.clock import RealClock
from canary_tools.extras import need
from canary_tools.sandbox.apigateway import installation as apigateway
from canary_tools.sandbox.cloudformation import nested_stacks, stack_tags, template_summary
from canary_tools.sandbox.cloudwatch import installation as cloudwatch
from canary_tools.sandbox.cognito import token_keys
from canary_tools.sandbox.emulator.emulator import Emulator
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import REGION, SandboxSettings
from canary_tools.sandbox.events import delivery, lost_entries, pattern_size, stack_events
from canary_tools.sandbox.events.bus import emit
from canary_tools.sandbox.functions import raised_errors, running_invocations
from canary_tools.sandbox.iam import enforcement, policy_delay, policy_sizes
from canary_tools.sandbox.logs import delivery_policy
from canary_tools.sandbox.sagemaker import installation as sagemaker
from canary_tools.sandbox.stepfunctions import invocations, lifecycle, retries, tagged

if TYPE_CHECKING:
    from canary_tools.aws_models.cloudwatch.alarms import Alarms

__all__ = ["Sandbox", "SandboxSettings"]

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # account 000000000000
_DEFAULTS = SandboxSettings()


class Sandbox:
    """A local AWS on a loopback port. It runs from `start` to `stop`, or as a context manager.

    Only one sandbox can run in a process at a time, because the emulator keeps its state in modules. Each one starts
    empty. While it runs, the environment of this process points AWS clients at it, since its Lambda functions inherit
    that environment.
    """

    def __init__(self, *, port: int = 0, settings: SandboxSettings = _DEFAULTS) -> None:
        self.settings = settings
        self.metrics = MetricStore()
        self.sagemaker: Any = None
        self.alarms: Alarms | None = None
        self._port = port
        self._emulator: Emulator | None = None
        self._to_close = ExitStack()

    def start(self) -> Self:
        """Start listening.

        Raises:
            OSError: the port is taken.
            MissingExtra: the extra `sandbox` is not installed.

        """
        need("sandbox", "airspeed", "boto3", "ministack")
        self._emulator = Emulator(self._port)
        self._to_close.callback(self._emulator.close)
        try:
            self._emulator.load()
            self._complete()
            self._emulator.serve()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop listening and delete all state. A second call does nothing."""
        self._to_close.close()
        self.metrics.clear()
        self._emulator = self.sagemaker = self.alarms = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint_url(self) -> str:
        """The URL that it listens on.

        Raises:
            RuntimeError: the sandbox is not running.

        """
        if self._emulator is None:
            raise RuntimeError("the sandbox is not running")
        return self._emulator.endpoint_url

    def environment(self) -> dict[str, str]:
        """Return the environment variables, besides `PATH`, with which `cdk`, the AWS CLI and SDKs use this sandbox."""
        return {
            **_CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of `service` for this sandbox."""
        boto3 = importlib.import_module("boto3")
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def _complete(self) -> None:
        """Install everything that the emulator lacks. `stop` undoes it in reverse order."""
        patches, clock, settings = Patches(), RealClock(), self.settings
        self._to_close.callback(patches.undo)
        self._to_close.callback(clock.close)
        delivery.install(patches=patches, settings=settings, clock=clock)
        lost_entries.install(patches=patches, settings=settings)
        stack_events.install(patches=patches, emit=emit)
        pattern_size.install(patches=patches)
        token_keys.install(patches=patches)
        nested_stacks.install(patches=patches)
        template_summary.install(patches=patches)
        stack_tags.install(patches=patches)
        policy_sizes.install(patches=patches)
        policy_delay.install(patches=patches, settings=settings, clock=clock)
        delivery_policy.install(patches=patches)
        raised_errors.install(patches=patches)
        running_invocations.install(patches=patches)
        lifecycle.install(patches=patches, clock=clock)
        retries.install(patches=patches, seed=settings.seed)
        tagged.install(patches=patches)
        self.alarms = cloudwatch.install(
            patches=patches, settings=settings, clock=clock, metrics=self.metrics, emit=emit
        )
        self.sagemaker = sagemaker.install(
            settings=settings, clock=clock, metrics=self.metrics, alarms=self.alarms, emit=emit
        )
        self._to_close.callback(self.sagemaker.close)
        apigateway.install(patches=patches, settings=settings)
        if settings.enforce_iam:
            invocations.install(patches=patches)
            enforcement.install(patches=patches)
