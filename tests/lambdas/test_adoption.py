"""An endpoint that was live before its stack: what is refused, and what is put back whatever happens."""

import json
from typing import Any

import pytest
from rollout.contract.adoption import ADOPTION, KEPT, Adoption
from rollout.contract.errors import DeployRefused
from rollout.handlers.release_slots import release_slots

from tests.lambdas.fakes.aws import THROTTLED, Aws
from tests.lambdas.fakes.settings import ENDPOINT, INSTANCE_TYPE, SCALED, A, B, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import EXECUTION_ROLE, STACK_ID, Template, scaling_id

VARIANT, CONFIG, MODEL = "AllTraffic", "old-config", "old-model"
RECOMMENDER = Adoption(variant=VARIANT, version="legacy", config_name=CONFIG, logical_id="Recommender")
POLICY = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}
BOUNDS = {"MinCapacity": 2, "MaxCapacity": 6}


class Live:
    """A live endpoint, and the requests of the stack that takes it over."""

    def __init__(self, aws: Aws, *, variants: list[dict[str, Any]] | None = None, **of_the_config: Any) -> None:
        self.aws, self.shop = aws, Shop(aws)
        self.requests = 0
        container = {"Image": "image:1", "ModelDataUrl": "s3://models/old.tar.gz"}
        catalogue = aws.sagemaker.catalogue
        for name in (MODEL, "model-v1-digest-of-v1"):
            catalogue.models.create(
                {"ModelName": name, "ExecutionRoleArn": EXECUTION_ROLE, "PrimaryContainer": container}
            )
        self.config(CONFIG, variants or [variant()], **of_the_config)
        aws.sagemaker.endpoints.create({"EndpointName": ENDPOINT, "EndpointConfigName": CONFIG})
        self.shop.wait_until_quiet()
        aws.stacks.owned["Recommender"] = self.shop.view().arn
        aws.stacks.status = "UPDATE_IN_PROGRESS"

    def config(self, name: str, variants: list[dict[str, Any]], **more: Any) -> None:
        self.aws.sagemaker.catalogue.configs.create(
            {"EndpointConfigName": name, "ProductionVariants": variants, **more}
        )

    def scale(self) -> None:
        self.aws.sagemaker.scaling.register({**scaling_id(VARIANT), **BOUNDS})
        self.aws.sagemaker.scaling.put_policy(
            {
                **scaling_id(VARIANT),
                "PolicyName": "requests",
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": POLICY,
            }
        )
        self.shop.wait_until_quiet()

    def properties(self, version: str = "", **changes: Any) -> dict[str, Any]:
        of_a_release = Template(version=version or "none", digest=f"digest-of-{version}", settings=settings())
        found = {**of_a_release.slots_properties(), ADOPTION: json.dumps(RECOMMENDER.to_json()), KEPT: "yes"}
        if not version:
            for name in ("Version", "ModelName", "ContentDigest"):
                del found[name]
        return {**found, **changes}

    def ask(self, version: str = "", *, kind: str = "Update", old: str = "", **changes: Any) -> dict[str, Any]:
        """Ask for slots; `old`: the version before, by default none."""
        self.requests += 1
        was_made = {"PhysicalResourceId": ENDPOINT, "OldResourceProperties": self.properties(old)}
        return release_slots(
            {
                "RequestType": kind,
                "RequestId": f"request-{self.requests}",
                "StackId": STACK_ID,
                "ResourceProperties": self.properties(version, **changes),
                **({} if kind == "Create" else was_made),
            }
        )

    def waits(self) -> None:
        """Deploy without a release."""
        self.ask(kind="Create")
        self.settle("UPDATE_COMPLETE")
        self.aws.stacks.status = "UPDATE_IN_PROGRESS"

    def settle(self, status: str) -> None:
        self.aws.stacks.status = status
        self.shop.settle()

    def move(self, answer: dict[str, Any]) -> None:
        """Update the endpoint to the slots, as CloudFormation does."""
        slots = [
            variant(
                slot,
                model=answer[f"Model{letter}"],
                count=answer[f"Instances{letter}"],
                weight=answer[f"Weight{letter}"],
            )
            for slot, letter in ((A, "A"), (B, "B"))
        ]
        self.config("slots", slots)
        self.update("slots")

    def update(self, config: str) -> None:
        self.aws.sagemaker.endpoints.update(
            {"EndpointName": ENDPOINT, "EndpointConfigName": config, "RetainAllVariantProperties": True}
        )
        self.shop.wait_until_quiet()

    def register_slots(self) -> None:
        for slot in (A, B):
            self.aws.sagemaker.scaling.register({**scaling_id(slot), "MinCapacity": 1, "MaxCapacity": 8})
        self.shop.wait_until_quiet()

    def scaling(self) -> tuple[list[tuple[int, int, bool]], list[str]]:
        """Return bounds and suspension of the live variant, and its policies."""
        of = {"ServiceNamespace": "sagemaker", "ResourceIds": [scaling_id(VARIANT)["ResourceId"]]}
        targets = self.aws.sagemaker.scaling.describe_targets(of)["ScalableTargets"]
        policies = self.aws.sagemaker.scaling.describe_policies({"ResourceId": of["ResourceIds"][0]})
        bounds = [
            (target["MinCapacity"], target["MaxCapacity"], any(target["SuspendedState"].values())) for target in targets
        ]
        return bounds, [policy["PolicyName"] for policy in policies["ScalingPolicies"]]


AS_BEFORE = ([(2, 6, False)], ["requests"])


def variant(
    name: str = VARIANT, *, model: str = MODEL, count: int = 2, weight: float = 1, **more: Any
) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": INSTANCE_TYPE,
        "InitialInstanceCount": count,
        "InitialVariantWeight": weight,
        **more,
    }


@pytest.fixture
def live(aws: Aws) -> Live:
    found = Live(aws)
    found.scale()
    return found


# The first deploy leaves the endpoint alone


def test_a_deploy_without_a_release_changes_nothing(aws: Aws, live: Live) -> None:
    before = live.shop.view()
    live.waits()
    assert live.shop.view() == before
    assert live.scaling() == AS_BEFORE
    assert live.shop.lock() is None
    assert live.shop.running() is None
    assert not aws.asked("RegisterScalableTarget")


def refused(live: Live, version: str = "", **changes: Any) -> str:
    before = live.shop.view(), live.scaling()
    with pytest.raises(DeployRefused) as caught:
        live.ask(version, **{"kind": "Create", **changes})
    assert (live.shop.view(), live.scaling()) == before
    return str(caught.value)


def test_a_stack_that_does_not_own_the_endpoint_is_refused(aws: Aws, live: Live) -> None:
    aws.stacks.owned.clear()
    assert "this stack does not own endpoint shop; import it" in refused(live)
    aws.stacks.owned["Recommender"] = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/another"
    assert "this stack does not own endpoint shop" in refused(live)


def test_a_release_in_the_first_deploy_is_refused(live: Live) -> None:
    assert "leave the release out, deploy, and deploy again with it" in refused(live, "v1")


def test_another_config_than_the_endpoint_is_on_is_refused(live: Live) -> None:
    live.config("newer", [variant()])
    live.update("newer")
    assert "is on endpoint config newer, and adopt says old-config" in refused(live)


def test_another_instance_type_is_refused(live: Live) -> None:
    assert "runs on ml.m5.xlarge, and instance_type says ml.c5.xlarge" in refused(live, InstanceType="ml.c5.xlarge")


def test_more_instances_than_the_maximum_are_refused(live: Live) -> None:
    few = settings(scaling={**SCALED, "min_instances": 1, "max_instances": 1})
    sentence = refused(live, Settings=json.dumps(few))
    assert "AllTraffic has 2 instances, and max_instances says 1" in sentence


def test_scheduled_actions_are_not_lost_in_silence(aws: Aws, live: Live) -> None:
    nightly = {"ScheduledActionName": "nightly", "Schedule": "cron(0 0 * * ? *)"}
    aws.sagemaker.scaling.scheduled.put({**scaling_id(VARIANT), **nightly})
    assert "AllTraffic is scaled by nightly, which could not be put back" in refused(live)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"variants": [variant("one"), variant("two")]}, "has the variants one, two"),
        ({"variants": [variant(VolumeSizeInGB=30)]}, "is started with VolumeSizeInGB 30"),
        ({"variants": [variant(AcceleratorType="ml.eia2.medium")]}, "uses AcceleratorType, which"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://out"}}}, "uses AsyncInferenceConfig, which"),
        ({"KmsKeyId": "key"}, "uses KmsKeyId, which"),
        (
            {
                "DataCaptureConfig": {
                    "EnableCapture": True,
                    "InitialSamplingPercentage": 10,
                    "DestinationS3Uri": "s3://captured",
                    "CaptureOptions": [{"CaptureMode": "Input"}],
                }
            },
            "uses DataCaptureConfig, which",
        ),
    ],
)
def test_what_the_endpoint_would_lose_is_refused(aws: Aws, changes: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(Live(aws, **changes))


# The second one makes way for the slots


def test_the_live_model_gets_a_slot_with_all_the_weight_and_its_instances(live: Live) -> None:
    live.waits()
    live.aws.sagemaker.scaling.register({**scaling_id(VARIANT), "MinCapacity": 4, "MaxCapacity": 6})
    live.shop.wait_until_quiet()
    answer = live.ask("v1")
    assert (answer["ModelA"], answer["WeightA"], answer["InstancesA"]) == (MODEL, 100, 4)
    assert (answer["ModelB"], answer["WeightB"], answer["InstancesB"]) == ("model-v1-digest-of-v1", 0, 1)
    assert (answer["VersionA"], answer["VersionB"]) == ("legacy", "v1")
    live.move(answer)
    live.register_slots()
    live.settle("UPDATE_COMPLETE")
    assert live.shop.weights() == {A: 100, B: 0}
    execution = live.shop.running()
    assert execution is not None
    live.shop.run(execution)
    assert execution.status == "SUCCEEDED", execution.failure
    assert live.shop.weights() == {A: 0, B: 100}
    assert live.shop.unsafe() == []


def test_an_endpoint_that_is_not_scaled_is_adopted_too(aws: Aws) -> None:
    live = Live(aws)
    live.waits()
    live.move(live.ask("v1"))
    assert live.shop.instances_of(A) == 2


def test_the_label_of_the_live_model_is_taken(live: Live) -> None:
    live.waits()
    live.move(live.ask("v1"))
    live.register_slots()
    live.settle("UPDATE_COMPLETE")
    live.aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused, match="rollout"):
        live.ask("legacy", old="v1")


def test_without_a_release_it_is_not_adopted_twice(live: Live) -> None:
    live.waits()
    live.move(live.ask("v1"))
    assert "has its two variants already; give the construct a release" in refused(live, kind="Update", old="v1")


def test_slots_that_another_stack_has_left_are_refused_with_a_way_that_leads_somewhere(live: Live) -> None:
    """To give the construct a release, as it is said of slots of its own, would be refused as well."""
    live.waits()
    live.move(live.ask("v1"))
    sentence = refused(live)
    assert "update it to an endpoint config with one such variant, and import it anew" in sentence
    assert "a release" not in sentence


# And back


def undone(live: Live) -> None:
    """Let CloudFormation come back to the template without a release."""
    live.aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    live.ask(old="v1")
    if live.shop.view().config_name != CONFIG:
        live.update(CONFIG)
    live.settle("UPDATE_ROLLBACK_COMPLETE")


def test_a_deploy_that_fails_before_the_update_gives_the_scaling_back(live: Live) -> None:
    live.waits()
    live.ask("v1")
    assert live.scaling() == ([], [])
    undone(live)
    assert live.scaling() == AS_BEFORE
    assert live.shop.lock() is None


def test_a_deploy_that_fails_after_the_update_goes_back_with_the_instances_that_there_were(live: Live) -> None:
    live.waits()
    live.aws.sagemaker.scaling.register({**scaling_id(VARIANT), "MinCapacity": 5, "MaxCapacity": 6})
    live.shop.wait_until_quiet()
    live.aws.sagemaker.scaling.register({**scaling_id(VARIANT), **BOUNDS})
    live.move(live.ask("v1"))
    live.register_slots()
    undone(live)
    live.shop.wait_until_quiet()
    assert live.scaling() == AS_BEFORE
    assert live.shop.view().variants[VARIANT].instances == 5
    assert live.shop.lock() is None


@pytest.mark.parametrize("operation", ["RegisterScalableTarget", "DeregisterScalableTarget", "PutItem"])
def test_a_throttled_call_loses_nothing(aws: Aws, live: Live, operation: str) -> None:
    """The note in the ledger is a put, too; the lock's own is not repeated."""
    live.waits()
    aws.fail(operation, THROTTLED, times=2, after_effect=True, when=lambda asked: "scaling" in asked.get("Item", asked))
    aws.fail(operation, THROTTLED, times=2, after_effect=True, when=lambda asked: "ResourceId" in asked)
    live.ask("v1")
    undone(live)
    assert live.scaling() == AS_BEFORE


def test_a_deploy_that_has_ended_meanwhile_takes_nothing_away(aws: Aws, live: Live) -> None:
    live.waits()
    aws.interrupt("DeregisterScalableTarget", lambda: live.shop.ledger.free("request-2"))
    with pytest.raises(DeployRefused, match="has ended meanwhile"):
        live.ask("v1")
    assert live.scaling() == AS_BEFORE


# And away


def removed(live: Live) -> None:
    live.aws.stacks.status = "DELETE_IN_PROGRESS"
    live.ask("v1", kind="Delete")
    live.shop.wait_until_quiet()


def test_an_endpoint_that_leaves_keeps_its_slots_and_scales(live: Live) -> None:
    live.waits()
    live.move(live.ask("v1"))
    live.register_slots()
    for slot in (A, B):
        live.aws.sagemaker.scaling.register({**scaling_id(slot), "SuspendedState": {"DynamicScalingInSuspended": True}})
    removed(live)
    assert live.shop.weights() == {A: 100, B: 0}
    assert not live.shop.suspended()
    assert live.shop.floors() == {A: 2, B: 1}
    assert live.aws.sagemaker.catalogue.configs.holds(CONFIG)
    assert live.aws.sagemaker.catalogue.models.holds(MODEL)


def test_a_stack_that_never_adopted_leaves_the_endpoint_alone(aws: Aws, live: Live) -> None:
    aws.stacks.owned.clear()
    refused(live)
    removed(live)
    assert live.scaling() == AS_BEFORE
    assert not aws.asked("RegisterScalableTarget")
