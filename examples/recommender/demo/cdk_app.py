"""Runs the CDK command line on the recommender's app, as a user would."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
APP = "python -m examples.recommender.demo.app"
LOG_LINES_SHOWN = 40
DEPLOY_TIMEOUT_SECONDS = 600


class CdkFailed(Exception):
    """A ``cdk`` command failed; the message says which, and ends with what it printed last."""


class CdkApp:
    """The app with the demonstration's switches.

    ``environment`` is added to this process's; files are written only below ``folder``. ``context`` is passed with
    every deploy, as ``-c name=value``.
    """

    def __init__(self, *, environment: Mapping[str, str], folder: Path, context: Mapping[str, object]) -> None:
        tools = [str(ROOT / "node_modules" / ".bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        self._environment = {**os.environ, **environment, "PATH": os.pathsep.join(tools)}
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._context = context

    def bootstrap(self, account: str, region: str) -> None:
        """Create the bootstrap stack.

        Raises:
            CdkFailed: the command failed.

        """
        # Outside the app's folder no app is synthesised: an environment in the argument needs none.
        self._run("bootstrap", "bootstrap", f"aws://{account}/{region}", folder=self._folder)

    def deploy(self, version: str) -> dict[str, str]:
        """Deploy a release and return the outputs of the stack.

        Raises:
            CdkFailed: the command failed.

        """
        outputs = self._folder / f"outputs-{version}.json"
        context = {**self._context, "version": version}
        arguments = [
            f"--app={APP}",
            "--all",
            "--require-approval=never",
            "--progress=events",
            f"--output={self._folder / f'cdk.out-{version}'}",
            f"--outputs-file={outputs}",
            *(f"--context={name}={value}" for name, value in context.items()),
        ]
        self._run(f"deploy-{version}", "deploy", *arguments, folder=ROOT)
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text(encoding="utf-8"))
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def _run(self, name: str, *arguments: str, folder: Path) -> None:
        cdk = shutil.which("cdk", path=self._environment["PATH"])
        if cdk is None:
            raise CdkFailed("there is no cdk command; `make setup` installs it")
        log = self._folder / f"{name}.log"
        with log.open("w", encoding="utf-8") as output:
            # The command and its arguments are ours, and no shell reads them.
            code = subprocess.run(  # noqa: S603
                [cdk, *arguments, "--no-color", "--no-notices"],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=DEPLOY_TIMEOUT_SECONDS,
                check=False,
            ).returncode
        if code != 0:
            last = log.read_text(encoding="utf-8").splitlines()[-LOG_LINES_SHOWN:]
            raise CdkFailed("\n".join([f"cdk {arguments[0]} ended with exit status {code}:", *last]))
