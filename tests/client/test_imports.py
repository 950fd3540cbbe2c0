"""An application can use the client with boto3 alone."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_BOTO3 = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"}


def test_importing_the_client_needs_boto3_and_nothing_else() -> None:
    """No CDK, no emulator and no other part of this repository is loaded beside it."""
    code = (
        "import sys; before = set(sys.modules); import canary_tools.client; print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own code
    loaded = run.stdout.split()
    ours = {name for name in loaded if name.startswith("canary_tools.")}
    assert {".".join(name.split(".")[:2]) for name in ours} == {"canary_tools.client"}
    others = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"canary_tools", "__mp_main__"}
    assert others <= OF_BOTO3
    assert "botocore" in others
