"""SageMaker for the local AWS: control plane, runtime, metrics and scaling.

A container image is accepted and ignored: every instance runs `code/inference.py` of its model archive in a
Python process. `model.py` and what it imports know neither threads nor the emulator, so that they run on a
virtual clock as well.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canary_tools.clock import Clock
    from canary_tools.sandbox.cloudwatch.store import MetricStore
    from canary_tools.sandbox.events.bus import Emit
    from canary_tools.sandbox.sagemaker.installation import SageMaker
    from canary_tools.sandbox.settings import SandboxSettings


def install(*, settings: "SandboxSettings", clock: "Clock", metrics: "MetricStore", emit: "Emit") -> "SageMaker":
    """Put SageMaker and Application Auto Scaling into the emulator that this process has loaded."""
    from canary_tools.sandbox.sagemaker import installation  # noqa: PLC0415 - the model is used without it, too

    return installation.install(settings=settings, clock=clock, metrics=metrics, emit=emit)
