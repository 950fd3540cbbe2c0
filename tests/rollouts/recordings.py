"""Record whole rollouts in the local AWS: `python -m tests.rollouts.recordings`. It takes about a quarter of an hour.

It writes the terminal recordings of `canary watch` into docs/recordings, and what the waiting step of a pipeline says
of the same releases into docs/recordings/pipeline.txt, which stands on docs/pipeline.md.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from aws_cdk import App, Stack, Stage, pipelines
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from canary_construct import rollout_step
from canary_tools.sandbox.emulator.settings import REGION
from tests.rollouts.declaring import UNTIL_ENDED_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import PATIENCE_SECONDS, eventually
from tests.rollouts.stage import Stage as LocalAws
from tests.rollouts.terminal import Recorded, cast
from tests.rollouts.test_command import Person

FOLDER = Path(__file__).parents[2] / "docs/recordings"
PIPELINE = "pipeline.txt"
APPROVAL_SECONDS = 3600
WHY = "the numbers are fine"
INSTALLED = "canary --help >/dev/null"
"""In place of the installation with pip: the command is there already."""


def main() -> None:
    """Let five releases of one endpoint end in all ways, and record them."""
    FOLDER.mkdir(exist_ok=True)
    with LocalAws() as stage, DeployedShop(stage, "shop") as shop:
        shop.deploy(Declaration(version="v1", operated=True, steps=(50, 100)))
        shop.comes_to_rest(stable=A)
        said = [_promoted(shop), _held(shop), _rolled_back(shop), _not_judged(shop)]
        shop.delete()
    (FOLDER / PIPELINE).write_text("".join(said), encoding="utf-8")


def _promoted(shop: DeployedShop) -> str:
    shop.deploy(Declaration(version="v2", operated=True, steps=(50, 100)))
    waiting, watching = _waits(shop, "v2"), _watches(shop, "v2")
    _keep(watching, "promotion", title="canary watch: a release is promoted")
    shop.comes_to_rest(stable=B)
    return _said(waiting, "v2")


def _held(shop: DeployedShop) -> str:
    shop.deploy(Declaration(version="v3", operated=True, steps=(50, 100), approval_seconds=APPROVAL_SECONDS))
    waiting, watching = _waits(shop, "v3"), _watches(shop, "v3")
    eventually(lambda: "awaits" in (shop.lock() or {}), what="a step that waits for approval")
    seen = len(watching.frames())
    eventually(lambda: len(watching.frames()) > seen + 1, what="a look at the step that waits")
    words = ("approve", "--why", WHY)
    approving = _ann(shop).canary(*words)
    assert approving.returncode == 0, approving.stderr
    watching.note(f"$ {shlex.join(('canary', *words))}\n{approving.stdout}")
    _keep(watching, "approval", title="canary watch: a step waits for approval, and is approved")
    shop.comes_to_rest(stable=A)
    return _said(waiting, "v3")


def _rolled_back(shop: DeployedShop) -> str:
    failing = (("FAILURE_RATE", "0.2"),)
    shop.deploy(Declaration(version="v4", operated=True, environment=failing, steps=(50, 100), alarm_min_requests=1000))
    waiting, watching = _waits(shop, "v4"), _watches(shop, "v4")
    _keep(watching, "rollback", title="canary watch: a release fails requests, and is rolled back")
    shop.comes_to_rest(stable=A)
    return _said(waiting, "v4")


def _not_judged(shop: DeployedShop) -> str:
    long = Declaration(version="v5", operated=True, steps=(50, 100), first_bake_seconds=UNTIL_ENDED_SECONDS)
    shop.deploy(long)
    waiting = _waits(shop, "v5")
    shop.rollout_reaches("v5", 50)
    aborting = _ann(shop).canary("abort", "--why", "wrong model")
    assert aborting.returncode == 0, aborting.stderr
    return _said(waiting, "v5")


def _ann(shop: DeployedShop) -> Person:
    return Person(shop=shop, role="Operator")


def _watches(shop: DeployedShop, version: str) -> Recorded:
    """Begin to watch the rollout of a release."""
    eventually(lambda: shop.rollout(version), what=f"the rollout of {version}")
    return Recorded(_ann(shop).command(("watch", "--every", "5")), _ann(shop).environment())


def _keep(watching: Recorded, name: str, *, title: str) -> None:
    watching.ends(PATIENCE_SECONDS)
    (FOLDER / f"{name}.cast").write_text(cast(watching.frames(), title=title), encoding="utf-8")


def commands_of_the_step(version: str, stack: str) -> list[str]:
    """Return the commands of the waiting step of a pipeline, as its synthesised CodeBuild project has them."""
    pipeline_stack = Stack(App(), "Pipeline")
    source = pipelines.CodePipelineSource.connection(
        "team/shop", "main", connection_arn="arn:aws:codestar-connections:us-east-1:123456789012:connection/1"
    )
    synth = pipelines.ShellStep("Synth", input=source, commands=["npx cdk synth"])
    pipeline = pipelines.CodePipeline(pipeline_stack, "Pipeline", synth=synth)
    stage = Stage(pipeline_stack, "Deploy")
    sns.Topic(Stack(stage, "Shop"), "InPlaceOfTheEndpoint")
    step = rollout_step("Rollout", stack_name=stack, version=version, region=REGION, install=INSTALLED)
    pipeline.add_stage(stage, post=[step])
    projects = Template.from_stack(pipeline_stack).find_resources("AWS::CodeBuild::Project").values()
    specs = [json.loads(each["Properties"]["Source"]["BuildSpec"]) for each in projects if "wait" in str(each)]
    (phases,) = [spec["phases"] for spec in specs]
    return [*phases["install"]["commands"], *phases["build"]["commands"]]


def _waits(shop: DeployedShop, version: str) -> subprocess.Popen[str]:
    """Run the commands of the waiting step one after the other, as CodeBuild does: the first that fails is the last."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = " && ".join(("{ " + command + "; }") for command in commands_of_the_step(version, shop.name))
    return subprocess.Popen(  # noqa: S603 - the commands of our own step
        ["/bin/bash", "-c", script],
        env={**_ann(shop).environment(), "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _said(waiting: subprocess.Popen[str], version: str) -> str:
    """Return the last command, what it said and its exit status, as a terminal shows them."""
    output, _ = waiting.communicate(timeout=PATIENCE_SECONDS)
    command = commands_of_the_step(version, "shop")[-1]
    return f"$ {command}\n{output.strip()}\n$ echo $?\n{waiting.returncode}\n"


if __name__ == "__main__":
    main()
