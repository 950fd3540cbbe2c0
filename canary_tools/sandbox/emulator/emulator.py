"""Runs ministack inside this process, in a thread with its own event loop, on a loopback socket.

Gaps it fills: ministack listens on every interface. It reads port and host from the environment when its modules are
first imported, so a second server in the process would keep the port of the first. It also logs a lot.
"""

import asyncio
import importlib
import logging
import os
import socket
import sys
import threading
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_KEEP_ALIVE_SECONDS = 86_400
"""After which an idle connection is closed: longer than any run.

A server that closes one while a request is on its way to it resets the connection. With 75 seconds that
happened when the machine was slow for a moment, and a shopper, who sends a request once, counted it as unanswered.
"""
_QUIET = ("ministack", "hypercorn.error", "hypercorn.access", "kms", "transfer")
_SILENT = ("cloudformation",)  # the errors of a stack are in its events

# The constants in which ministack keeps the port that it read at import.
_PORT_CONSTANTS = (
    ("app", "_MINISTACK_PORT"),
    ("services.cloudformation.custom_resource", "_PORT"),
    ("services.lambda_svc", "_GATEWAY_PORT"),
    ("services.sns", "_PORT"),
    ("services.sqs", "DEFAULT_PORT"),
    ("services.apigateway", "_PORT"),
)


class Emulator:
    """The HTTP server of ministack."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_server((HOST, port))
        self._patches = Patches()
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def endpoint_url(self) -> str:
        """Its URL. The IP address makes every SDK use path-style S3 URLs."""
        return f"http://{HOST}:{self.port}"

    def load(self) -> None:
        """Set the environment, import ministack, give it its port, and delete its state."""
        for name, value in self._environment().items():
            self._patches.variable(name, value)
        app = _import_quietly("app")
        for module, constant in _PORT_CONSTANTS:
            self._patches.attribute(_module(module), constant, str(self.port))
        self._patches.attribute(app, "_reset_lock", None)
        app._reset_all_state()  # noqa: SLF001 - what its reset endpoint calls

    def serve(self) -> None:
        """Start the server, and return when it answers.

        Raises:
            RuntimeError: it did not start within 30 seconds.

        """
        self._thread = threading.Thread(target=self._run, name="sandbox-server", daemon=True)
        self._thread.start()
        if not self._started.wait(_START_SECONDS) or self._failure is not None:
            raise RuntimeError(f"the emulator did not start on {self.endpoint_url}") from self._failure

    def close(self) -> None:
        """Stop the server, end the Lambda processes, delete all state and restore the environment."""
        if self._thread is not None:
            _module("app")._reset_all_state()  # noqa: SLF001 - what its reset endpoint calls
            if self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_STOP_SECONDS)
        self._socket.close()
        self._patches.undo()

    def _environment(self) -> dict[str, str | None]:
        return {
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": None,
            "AWS_PROFILE": None,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "ERROR",
            "PERSIST_STATE": "0",
            "S3_PERSIST": "0",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - passed on to the thread that waits in serve()
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        from hypercorn.asyncio import serve  # noqa: PLC0415 - comes with ministack, an optional extra
        from hypercorn.config import Config  # noqa: PLC0415

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        config = Config()
        config.bind = [f"fd://{os.dup(self._socket.fileno())}"]  # hypercorn closes the descriptor that it gets
        config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
        config.graceful_timeout = 0.5
        config.loglevel = "ERROR"
        self._loop.call_later(0.05, self._started.set)
        await serve(_module("app").app, config, shutdown_trigger=self._stop.wait)


def _module(name: str) -> Any:
    return importlib.import_module(f"ministack.{name}")


def _import_quietly(name: str) -> Any:
    """Import a module of ministack. Silence its logging, and leave the logging of this program as it is."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for quiet in _QUIET:
        logging.getLogger(quiet).setLevel(logging.ERROR)
    module = _module(name)
    loggers = [getattr(found, "logger", None) for found in _loaded()]
    root.handlers[:], root.level = handlers, level
    for logger in loggers:
        if isinstance(logger, logging.Logger):
            logger.setLevel(logging.ERROR)
    for silent in _SILENT:
        logging.getLogger(silent).setLevel(logging.CRITICAL)
    return module


def _loaded() -> list[Any]:
    """Return all loaded modules of ministack, after importing the one that loads most others."""
    _module("services.cloudformation.provisioners")
    return [module for name, module in sys.modules.items() if name.startswith("ministack.")]
