"""`python -m canary_tools.sandbox`: run the local AWS until it is interrupted."""

import argparse
import shlex
import signal
import sys
import threading

from canary_tools.extras import MISSING, MissingExtra
from canary_tools.sandbox.server import Sandbox

_DEFAULT_PORT = 4566


def main() -> int:
    """Start the sandbox, print the environment variables for another terminal, and wait for Ctrl-C or SIGTERM."""
    arguments = _parser().parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Sandbox(port=arguments.port) as sandbox:
            print(_exports(sandbox), flush=True)  # noqa: T201 - the command's output
            stop.wait()
    except MissingExtra as missing:
        print(missing, file=sys.stderr)  # noqa: T201 - as above
        return MISSING
    except OSError as error:
        print(f"cannot listen on port {arguments.port}: {error.strerror}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m canary_tools.sandbox", description="Run a local AWS until Ctrl-C.")
    parser.add_argument(
        "--port",
        type=int,
        default=_DEFAULT_PORT,
        help="port on 127.0.0.1; 0 for any free port (default: 4566)",
    )
    return parser


def _exports(sandbox: Sandbox) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sandbox.environment().items()]
    heading = (
        f"# the local AWS listens on {sandbox.endpoint_url}; paste this into a terminal, then use cdk or the AWS CLI"
    )
    return "\n".join([heading, *lines])


if __name__ == "__main__":
    sys.exit(main())
