"""One run: it sets the scene, walks, removes everything and reports."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from canary_tools.acceptance.account import Account
from canary_tools.acceptance.acts import MODEL
from canary_tools.acceptance.declaration import ENDPOINT_PREFIX, Declaration
from canary_tools.acceptance.endpoint_watch import EndpointReader, EndpointWatch
from canary_tools.acceptance.images import image_uri
from canary_tools.acceptance.interrupts import held_off
from canary_tools.acceptance.metric_watch import MetricReader, MetricWatch
from canary_tools.acceptance.removal import Removal
from canary_tools.acceptance.report import Report
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.stack import Stack
from canary_tools.acceptance.stage import Stage
from canary_tools.acceptance.traffic import Visitors, visit, visiting_client
from canary_tools.acceptance.undoing import Undoing
from canary_tools.acceptance.walk import Walk


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run needs. `folder`: of logs and templates. `tell`: gets progress."""

    account: Account
    stack: Stack
    instance_type: str
    folder: Path
    tell: Callable[[str], None]

    def report(self) -> tuple[Report, bool]:
        """Walk, remove everything, and return what was found; `True` when Ctrl-C ended the walk."""
        began, asked_at = time.monotonic(), datetime.now(UTC)
        endpoint_name = f"{ENDPOINT_PREFIX}{asked_at:%Y%m%d-%H%M%S}"
        removal, undoing = Removal(self.account, self.stack, endpoint_name), Undoing()
        walk: Walk | None = None
        finished = False
        try:
            with suppress(KeyboardInterrupt), self._scene(endpoint_name, undoing) as scene:
                walk = Walk(self._stage(scene, removal), self.tell)
                walk.run()
                finished = True
        finally:
            with held_off(self.tell):
                self.tell("removing everything")
                left = [*removal.run(undoing), *removal.left()]
        if walk is None:
            raise KeyboardInterrupt
        report = Report(
            account=self.account, asked_at=asked_at, seconds=time.monotonic() - began,
            instance_type=self.instance_type, walk=walk.all_acts(), answers=walk.all_answers(), left=left,
        )  # fmt: skip
        return report, not finished

    @contextmanager
    def _scene(self, endpoint_name: str, undoing: Undoing) -> Iterator[Scene]:
        account, pace = self.account, self.account.pace
        endpoint = EndpointReader(account.make_client("sagemaker"), endpoint_name)
        metrics = MetricReader(account.make_client("cloudwatch"), endpoint_name)
        runtime = visiting_client(account.make_client)
        send = partial(visit, runtime, endpoint_name)
        with ExitStack() as running:
            yield Scene(
                account=account,
                stack=self.stack,
                endpoint_name=endpoint_name,
                endpoint=endpoint,
                watch=running.enter_context(EndpointWatch(endpoint.look, look_again=pace.look_again)),
                metrics=metrics,
                metric_watch=running.enter_context(
                    MetricWatch(metrics, period=pace.metric_period, read_again=pace.read_metrics_again)
                ),
                visitors=running.enter_context(Visitors(send, per_second=pace.requests_per_second)),
                undoing=undoing,
            )

    def _stage(self, scene: Scene, removal: Removal) -> Stage:
        broken = self.folder / "model.tar.gz"
        broken.write_bytes(b"no archive at all")
        usual: dict[str, Any] = {
            "endpoint_name": scene.endpoint_name,
            "image_uri": image_uri(self.account),
            "instance_type": self.instance_type,
            "model_path": str(MODEL),
            "metric_period_seconds": self.account.pace.metric_period,
        }

        def declare(version: str, **other: Any) -> Declaration:
            return Declaration(version=version, **{**usual, **other})

        return Stage(scene=scene, declare=declare, broken_archive=broken, removal=removal)
