"""The local AWS of all tests here: one sandbox, faster than AWS, on a machine that may have much else to do.

No time limit here is a claim. Each ends only what hangs, so that a busy machine makes a test slow and not red.
"""

import io
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import boto3
from botocore.config import Config

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION, SandboxSettings
from canary_tools.sandbox.server import Sandbox
from examples.recommender.shop.senders import CONCURRENCY
from tests.rollouts.declaring import Asset, Declaration, assembly_of

BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT_ID}-{REGION}"
PATIENCE_SECONDS = 1200
"""How long a test, a client or a model may wait for what never comes."""
SETTINGS = SandboxSettings(
    fleet_update_seconds=1.0,
    instance_launch_seconds=0.5,
    weight_update_seconds=0.5,
    metric_delay_seconds=1.0,
    changing_calls_per_second=1000.0,  # all tests share one account
    instance_queue_size=1000,  # a model process that waits for the processor refuses nobody
    model_timeout_seconds=PATIENCE_SECONDS,
)
LOOK_AGAIN_SECONDS = 0.5
"""A look is three or four calls: looks ten times a second by each of eight tests keep the sandbox from its work."""
LOOK_AGAIN_SOON_SECONDS = 0.1
"""For what soon goes by, and for what is measured."""

Found = TypeVar("Found")


class Stage:
    """A running sandbox with the bucket that `cdk bootstrap` makes."""

    def __init__(self, settings: SandboxSettings = SETTINGS) -> None:
        self.sandbox = Sandbox(settings=settings)
        self._to_close = ExitStack()
        self._published: set[str] = set()
        self._clients: dict[str, Any] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self._to_close.enter_context(self.sandbox)
        self.client("s3").create_bucket(Bucket=BUCKET)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._to_close.close()

    def client(self, service: str) -> Any:
        """Return a client of this sandbox; boto3's clients, unlike their making, may be shared by threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def shopping_client(self) -> Any:
        """Return a client that sends every request once, over as many connections as there are visitors at a time."""
        with self._lock:
            return self._new_client(
                "sagemaker-runtime", retries={"total_max_attempts": 1}, max_pool_connections=CONCURRENCY
            )

    def _new_client(self, service: str, **more: Any) -> Any:
        """Return a client that waits, instead of repeating a deploy or an invocation that takes long."""
        config = Config(connect_timeout=PATIENCE_SECONDS, read_timeout=PATIENCE_SECONDS, **more)
        return boto3.client(service, endpoint_url=self.sandbox.endpoint_url, region_name=REGION, config=config)

    def publish(self, declaration: Declaration, endpoint_name: str) -> str:
        """Upload a template and its assets, as the CDK command line does; return the template's URL."""
        assembly = assembly_of(declaration)
        with self._lock:
            for asset in assembly.assets:
                self.upload(asset)
        key = f"{endpoint_name}-{hash(declaration)}.json"
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=assembly.template(endpoint_name).encode())
        return f"{self.sandbox.endpoint_url}/{BUCKET}/{key}"

    def template(self, declaration: Declaration, endpoint_name: str) -> str:
        """Return the template of a declaration."""
        return assembly_of(declaration).template(endpoint_name)

    def upload(self, asset: Asset) -> None:
        """Put an asset where the template looks for it, once."""
        if asset.key not in self._published:
            body = asset.path.read_bytes() if asset.path.is_file() else _zipped(asset.path)
            self.client("s3").put_object(Bucket=BUCKET, Key=asset.key, Body=body)
            self._published.add(asset.key)


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(folder.rglob("*.py")):
            archive.write(file, file.relative_to(folder))
    return buffer.getvalue()


def eventually(
    look: Callable[[], Found | None],
    *,
    what: str,
    otherwise: Callable[[], object] = lambda: "nothing",
    look_again_seconds: float = LOOK_AGAIN_SECONDS,
) -> Found:
    """Look until there is something to see, and return it; `otherwise` says what there is instead.

    Raises:
        AssertionError: nothing came within `PATIENCE_SECONDS`.
    """
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come within {PATIENCE_SECONDS:g} s, but {otherwise()}"
        pause.wait(look_again_seconds)
    return found
