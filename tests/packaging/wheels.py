"""Builds wheels and uses them as a stranger would: another environment, another folder."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client"


def build(project: Path, folder: Path) -> Path:
    """Build the wheel of the project into the folder, and return it."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], folder=project)
    (wheel,) = folder.glob("*.whl")
    return wheel


def contents(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def packages(wheel: Path) -> set[str]:
    """Return the top-level names that the wheel installs."""
    top = {name.split("/")[0] for name in contents(wheel)}
    return {name for name in top if not name.endswith(".dist-info")}


def needs(wheel: Path) -> set[str]:
    """Return the names of the distributions that the wheel needs without any extra."""
    (metadata,) = [name for name in contents(wheel) if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(metadata).decode().splitlines()
    required = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    return {need.split("<")[0].split(">")[0] for need in required if "extra ==" not in need}


def lowest() -> list[str]:
    """Return the lowest versions that the library declares, as requirements."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [each.split(",")[0].replace(">=", "==") for each in declared]


class Environment:
    """An empty virtual environment."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.folder = folder
        self.python = str(folder / "bin" / "python")
        (self.site_packages,) = folder.glob("lib/python*/site-packages")

    def install(self, *arguments: str) -> None:
        """Install with the pip of this environment's creator, from files alone."""
        install = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", "--no-index"]
        run([*install, *arguments], folder=self.folder)

    def fetch(self, *requirements: str) -> None:
        """Install from the registry that this machine uses."""
        install = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", "--no-compile"]
        run([*install, *requirements], folder=self.folder)

    def run(self, *arguments: str, folder: Path, **variables: str) -> str:
        """Run Python and return what it prints."""
        return run([self.python, *arguments], folder=folder, **variables)


def beside_the_pinned(folder: Path, *installed: Path) -> Environment:
    """Return an environment with these wheels, which sees the pinned packages, and nothing of this checkout."""
    environment = Environment(folder)
    environment.install("--no-deps", *map(str, installed))
    (environment.site_packages / "pinned.pth").write_text(sysconfig.get_path("purelib"))
    return environment


def run(command: list[str], *, folder: Path, **variables: str) -> str:
    """Run a command that sees nothing of this checkout through Python's variables, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    ended = subprocess.run(  # noqa: S603 - the commands are those of these tests
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
