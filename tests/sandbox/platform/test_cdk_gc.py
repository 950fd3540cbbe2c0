"""`cdk gc` deletes what no template names. It runs here as on an account, against the local AWS."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from canary_construct import ModelRelease
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION
from tests.infrastructure.synthesis import IMAGE, declare, stack

ROOT = Path(__file__).parents[3]
BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT_ID}-{REGION}"
ENVIRONMENT = f"aws://{ACCOUNT_ID}/{REGION}"
NOW = ("--rollback-buffer-days=0", "--created-buffer-days=0")
BOOTSTRAPPED = {
    "Resources": {"StagingBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}},
    "Outputs": {
        "BucketName": {"Value": {"Ref": "StagingBucket"}},
        "BucketDomainName": {"Value": "localhost"},
        "BootstrapVersion": {"Value": "30"},
    },
}
QUEUE = {"Queue": {"Type": "AWS::SQS::Queue"}}
"""In place of what the app declares: `cdk gc` reads the text of the template."""


def collect_garbage(playground: Any, folder: Path) -> None:
    """Run `cdk gc`, which wants an app."""
    manifest = {
        "version": "36.0.0",
        "artifacts": {
            "Shop": {
                "type": "aws:cloudformation:stack",
                "environment": ENVIRONMENT,
                "properties": {"templateFile": "Shop.template.json"},
            }
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "Shop.template.json").write_text(json.dumps({"Resources": QUEUE}))
    path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    cdk = shutil.which("cdk", path=path)
    assert cdk is not None
    command = [cdk, "gc", ENVIRONMENT, "--unstable=gc", "--confirm=false", "--type=s3", *NOW, "--app", str(folder)]
    environment = {**os.environ, **playground.sandbox.environment(), "PATH": path}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - cdk itself
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_archive_of_a_kept_release_survives_and_another_one_does_not(playground: Any, tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "weights.txt").write_text("v1")
    shop = stack()
    declare(shop, kept_releases=[ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=str(tmp_path / "v1"))])
    metadata = shop.template_options.metadata
    ((kept,),) = [value["kept_archives"] for value in metadata.values()]
    assert playground.deploy("CDKToolkit", BOOTSTRAPPED) == "CREATE_COMPLETE"
    assert playground.deploy("Shop", {"Metadata": metadata, "Resources": QUEUE}) == "CREATE_COMPLETE"
    s3 = playground.client("s3")
    for name in (kept, "0" * 64):
        s3.put_object(Bucket=BUCKET, Key=f"{name}.gz", Body=b"archive")
    collect_garbage(playground, tmp_path)
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"{kept}.gz"]
