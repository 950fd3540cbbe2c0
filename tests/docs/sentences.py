"""Print every kind of sentence that a user reads: `python -m tests.docs.sentences > tests/docs/sentences.md`.

Nothing is written here: handlers, construct and commands say each sentence in a situation of the tests.
"""

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aws_cdk import Duration, Size
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template
from boto3.dynamodb.types import TypeDeserializer

from canary_construct import (
    AlarmThresholds,
    CohortRule,
    Container,
    DataCapture,
    FleetUpdate,
    Gate,
    HoldBack,
    InstanceScaling,
    ModelHosting,
    ModelRelease,
    PrivateRegistry,
    S3Prefix,
    SmokeTest,
    TrafficRouting,
    TrafficStep,
    on_approved_package,
)
from canary_tools.rehearsal import replay
from canary_tools.rehearsal.command import main as rehearse
from tests.infrastructure.synthesis import RELEASE, Resources, declare, of_type, stack, text
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.connection import connected
from tests.permissions.scenarios import SCENARIOS

HEAD = """# Sentences that users read

Written by `python -m tests.docs.sentences > tests/docs/sentences.md`; `test_sentences.py` compares. Read it as a tired
engineer in an incident would: what must be read twice is to be written anew, where it is written.
"""
MANY_STEPS = [TrafficStep(percent=percent, bake=Duration.days(14)) for percent in range(1, 101)]
DECLARATIONS: dict[str, Callable[[], object]] = {
    "a data capture of nothing": lambda: DataCapture(
        destination=s3.Bucket.from_bucket_name(stack(), "Captured", "captured"), percent=0
    ),
    "a fleet update that takes too long": lambda: FleetUpdate.linear(percent=10, wait=Duration.hours(1)),
    "a release without a container": lambda: ModelRelease(version="v1"),
    "a group of the model registry": lambda: ModelRelease.from_model_package(version="v1", arn="ranker"),
    "a model package with an image": lambda: ModelRelease(
        version="v1",
        image_uri="image",
        model_package_arn="arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/7",
    ),
    "an approval in no group": lambda: on_approved_package(stack(), "Approved", group="a group"),
    "a pipeline of one": lambda: ModelRelease(version="v1", containers=[Container(image_uri="image")]),
    "two places of model data": lambda: Container(image_uri="image", model_data_url="s3://m/1", asset_path="model"),
    "a prefix without a slash": lambda: S3Prefix(url="s3://models/1"),
    "a private registry without a network": lambda: declare(
        stack(), release=replace(RELEASE, image_config=PrivateRegistry())
    ),
    "a serverless endpoint": lambda: declare(stack(), serverless_config={}),
    "an asynchronous endpoint": lambda: declare(stack(), async_inference_config={}),
    "a multi-model endpoint": lambda: declare(stack(), multi_model=True),
    "inference components": lambda: declare(stack(), inference_components=[]),
    "managed instance scaling": lambda: declare(stack(), managed_instance_scaling={}),
    "a shadow variant": lambda: declare(stack(), shadow_production_variants=[]),
    "instance pools": lambda: declare(stack(), instance_pools=[]),
    "a release without a version": lambda: ModelRelease(version="", image_uri="image", model_data_url="s3://models/1"),
    "a step of 0 %": lambda: TrafficStep(percent=0),
    "a step that may end before it can": lambda: TrafficStep(
        percent=10, bake=Duration.hours(1), max_bake=Duration.minutes(5)
    ),
    "steps that go down": lambda: TrafficRouting.steps([50, 10, 100]),
    "steps that do not end at 100 %": lambda: TrafficRouting.steps([10, 50]),
    "a cohort of everybody": lambda: CohortRule.share_of_users(100),
    "fewer instances at most than at least": lambda: InstanceScaling(min_instances=4, max_instances=2),
    "a hold-back of half of the traffic": lambda: HoldBack(percent=50),
    "a hold-back of minutes": lambda: HoldBack(duration=Duration.minutes(30)),
    "an alarm that always rings": lambda: AlarmThresholds(error_rate_percent=0),
    "a smoke test without a payload": lambda: SmokeTest(payloads=[]),
    "a gate without a limit": lambda: Gate.latency(slow_ms=0),
    "two gates of one name": lambda: declare(stack(), gates=[Gate.error_rate(), Gate.error_rate()]),
    "a start-up time-out of half a minute": lambda: ModelHosting(startup_timeout=Duration.seconds(30)),
    "a volume size where there is no volume": lambda: declare(
        stack(), instance_type="ml.g5.xlarge", hosting=ModelHosting(volume_size=Size.gibibytes(60))
    ),
    "a release with hosting that its endpoint does not have": lambda: declare(
        stack(), release=replace(RELEASE, hosting=ModelHosting(volume_size=Size.gibibytes(60)))
    ),
    "a period that SageMaker does not have": lambda: declare(stack(), metric_period=15),
    "a bake too short for its period": lambda: declare(
        stack(), routing=TrafficRouting.steps([TrafficStep(percent=10, bake=Duration.minutes(1)), 100])
    ),
    "a rollout too long for its history": lambda: declare(stack(), routing=TrafficRouting.steps(MANY_STEPS)),
}
TRAFFIC = {"traffic": {"rps": 10}}
SCENARIO_FILES: dict[str, Any] = {
    "no traffic": {},
    "an unknown key": {**TRAFFIC, "trafic": 1},
    "a share above 1": {**TRAFFIC, "canary": {"error_rate": 1.5}},
    "a call that no handler makes": {
        **TRAFFIC,
        "faults": [{"at_s": 0, "for_s": 1, "call": "ec2:RunInstances", "error": "crash"}],
    },
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What users read of one situation: the ledger's records, events by kind, and the stack's events."""

    records: Sequence[Mapping[str, Any]]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    failures: Sequence[str]


def page() -> str:
    """Return the page."""
    runs = {name: _run(name) for name in SCENARIOS}
    shop = stack()
    declare(shop, expected_rps=2)
    resources: Resources = Template.from_stack(shop).to_json()["Resources"]
    sections = {
        "How rollouts end: ledger, notification and cause of the execution": _ends(runs),
        "Events": _events(runs),
        "Deploys that are refused or fail: the stack's events": _refusals(runs),
        "Alarms": _alarms(resources),
        "Warnings of `cdk synth` at 2 requests per second": _warnings(shop),
        "Errors of `cdk synth`": _synth_errors(),
        "What `python -m canary_tools.rehearsal` refuses": _rehearsal_refusals(shop),
        "What `python -m canary_tools.rehearsal plan` says": _plan(shop),
        "What `python -m canary_tools.rehearsal.replay` refuses": _replay_refusals(),
    }
    return HEAD + "".join(f"\n## {title}\n\n{_listed(found)}" for title, found in sections.items())


def _listed(found: Iterable[tuple[str, str]]) -> str:
    """Return one entry a sentence, each sentence once, with the situation that it was said in first."""
    first: dict[str, str] = {}
    for situation, sentence in found:
        first.setdefault(sentence, situation)
    return "".join(f"- *{situation}*: {sentence}\n" for sentence, situation in first.items())


def _run(name: str) -> Told:
    """Let one situation of `tests/permissions/scenarios.py` happen."""
    with connected() as aws:
        SCENARIOS[name](aws)
        return Told(records=_records(aws), events=aws.events.told(), failures=aws.stacks.failures)


def _records(aws: Aws) -> list[dict[str, Any]]:
    rows = aws.table.call("Scan", {"TableName": aws.table.name})["Items"]
    return [{name: TypeDeserializer().deserialize(value) for name, value in row.items()} for row in rows]


def _ends(runs: Mapping[str, Told]) -> Iterator[tuple[str, str]]:
    for name, told in runs.items():
        for record in told.records:
            if record.get("outcome") and record.get("reason"):
                yield name, f"{record['outcome']}: {record['reason']}"


def _events(runs: Mapping[str, Told]) -> Iterator[tuple[str, str]]:
    for name, told in runs.items():
        for kind, detail in told.events:
            yield name, f"{kind}: {detail.get('reason', '')}"


def _refusals(runs: Mapping[str, Told]) -> Iterator[tuple[str, str]]:
    for name, told in runs.items():
        yield from ((name, sentence) for sentence in told.failures)


def _alarms(resources: Resources) -> Iterator[tuple[str, str]]:
    for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items():
        yield name[:-8], text(alarm["Properties"].get("AlarmDescription", ""))


def _warnings(shop: Any) -> Iterator[tuple[str, str]]:
    for warning in Annotations.from_stack(shop).find_warning("*", Match.any_value()):
        yield "warning", str(warning.entry.data)


def _synth_errors() -> Iterator[tuple[str, str]]:
    for name, declaration in DECLARATIONS.items():
        yield name, _error_of(declaration)


def _error_of(declaration: Callable[[], object]) -> str:
    try:
        declaration()
    except (ValueError, TypeError) as error:
        return str(error)
    raise AssertionError("the declaration was not refused")


def _rehearsal_refusals(shop: Any) -> Iterator[tuple[str, str]]:
    with _files({"Shop.template.json": _template(shop), "empty.json": {}}) as folder:
        given = {**SCENARIO_FILES, "a template without an endpoint": TRAFFIC}
        for name, scenario in given.items():
            (folder / "scenario.json").write_text(json.dumps(scenario), encoding="utf-8")
            template = "empty.json" if name.startswith("a template") else "Shop.template.json"
            words = ["--template", str(folder / template), "--scenario", str(folder / "scenario.json")]
            yield name, _said(rehearse, words).replace(f"{folder}/", "")


def _plan(shop: Any) -> Iterator[tuple[str, str]]:
    with _files({"Shop.template.json": _template(shop)}) as folder:
        said = _said(rehearse, ["plan", "--template", str(folder / "Shop.template.json"), "--rps", "2"])
    yield (
        "the default plan",
        "\n\n" + "".join(f"      {line}\n" for line in said.replace(f"{folder}/", "").splitlines()),
    )


def _replay_refusals() -> Iterator[tuple[str, str]]:
    with _files({"gates.json": {}}) as folder:
        words = ["--gates", str(folder / "gates.json"), "--counts", str(folder / "counts.csv")]
        yield "gates without a gate", _said(replay.main, words).replace(f"{folder}/", "")


@contextlib.contextmanager
def _files(contents: Mapping[str, Any]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        for file, content in contents.items():
            (Path(name) / file).write_text(json.dumps(content), encoding="utf-8")
        yield Path(name)


def _template(shop: Any) -> Any:
    return Template.from_stack(shop).to_json()


def _said(command: Callable[[list[str]], int], words: list[str]) -> str:
    """Return what a command prints."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        command(words)
    return said.getvalue().strip()


if __name__ == "__main__":
    sys.stdout.write(page())
