"""Runs the CDK command line on the app beside this module, as a team does."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from canary_tools.acceptance.account import Account, CannotStart
from canary_tools.acceptance.declaration import STACK_NAME, VARIABLE, Declaration

APP = f"{sys.executable} -P -m canary_tools.acceptance.app"
_LINES_SHOWN = 15
_STOP_SECONDS = 20.0


class CdkFailed(Exception):
    """A `cdk` command failed; the message says which, and ends with what it printed last."""


class Cdk:
    """The `cdk` command for one account; logs and templates go to `folder`."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account = account
        self._folder = folder
        self._environment = {
            **os.environ,
            **account.environment,
            "CDK_DEFAULT_ACCOUNT": account.number,
            "CDK_DEFAULT_REGION": account.region,
        }
        self._cdk = _found(self._environment["PATH"])

    def bootstrap(self) -> None:
        """Create the bootstrap stack.

        Raises:
            CdkFailed: the command failed.
        """
        self._run("bootstrap", "bootstrap", f"aws://{self._account.number}/{self._account.region}")

    def synthesise(self, declared: Declaration, name: str) -> Path:
        """Return the folder with the template of a declaration.

        Raises:
            CdkFailed: the command failed.
        """
        out = self._folder / f"{name}.out"
        self._run(f"{name}-synth", "synth", "--quiet", f"--app={APP}", f"--output={out}", declared=declared)
        return out

    def deploy(self, out: Path, name: str) -> None:
        """Deploy what was synthesised.

        Raises:
            CdkFailed: the command failed, or CloudFormation went back.
        """
        options = ("--require-approval=never", "--progress=events")
        self._run(f"{name}-deploy", "deploy", STACK_NAME, f"--app={out}", *options)

    def _run(self, log_name: str, *arguments: str, declared: Declaration | None = None) -> None:
        extra = {} if declared is None else {VARIABLE: declared.to_json()}
        log = self._folder / f"{log_name}.log"
        with log.open("w", encoding="utf-8") as output:
            # The command and its arguments are ours, and no shell reads them.
            process = subprocess.Popen(  # noqa: S603
                [self._cdk, *arguments, "--no-color", "--no-notices"],
                cwd=self._folder,
                env={**self._environment, **extra},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this program, which then stops the command
            )
            code = _waited_for(process, self._account.pace.deploy)
        if code != 0:
            last = log.read_text(encoding="utf-8").splitlines()[-_LINES_SHOWN:]
            raise CdkFailed("\n".join([f"cdk {arguments[0]} ended with exit status {code}:", *last]))


def _waited_for(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    try:
        return process.wait(seconds)
    except BaseException:
        _stop(process)
        raise


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the command and what it started; CloudFormation goes on by itself."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _found(path: str) -> str:
    cdk = shutil.which("cdk", path=path)
    if cdk is None:
        raise CannotStart("there is no cdk command: install it with `npm install --global aws-cdk`")
    return cdk
