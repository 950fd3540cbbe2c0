"""`python -m tests.packaging.typed_examples`: mypy reads the examples as a user has them, with the wheels and strictly.

`make check` does it after `mypy`, whose cache it begins with: to read the CDK anew takes two minutes.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.packaging import wheels
from tests.packaging.wheels import CLIENT, ROOT

SETTINGS = """
[mypy]
strict = true
[mypy-boto3.*,botocore.*]
ignore_missing_imports = true
"""
"""boto3 is published without types."""
CACHE = ROOT / ".mypy_cache"


def main() -> int:
    """Return mypy's own status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = (wheels.build(ROOT, folder / "library"), wheels.build(CLIENT, folder / "client"))
        stranger = wheels.beside_the_pinned(folder / "environment", *made)
        user = folder / "user"
        shutil.copytree(ROOT / "examples", user / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "app.py", user)
        (user / "mypy.ini").write_text(SETTINGS)
        if CACHE.exists():
            shutil.copytree(CACHE, user / "cache")
        options = ["--cache-dir=cache", f"--python-executable={stranger.python}", "app.py", "examples"]
        return subprocess.run([sys.executable, "-m", "mypy", *options], cwd=user, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
