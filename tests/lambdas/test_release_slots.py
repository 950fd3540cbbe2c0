import json
from typing import Any

import pytest
from rollout.contract.adoption import KEPT
from rollout.contract.errors import DeployRefused, PayloadTooNew
from rollout.contract.lock import DEPLOYMENT
from rollout.handlers.release_slots import NEVER_MADE, release_slots

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from tests.lambdas.fakes.aws import THROTTLED, UNAVAILABLE, Aws
from tests.lambdas.fakes.settings import ENDPOINT, FIXED, SCALED, A, B, settings
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import STACK_ID, TAGS, DeployFailed, scaling_id


def asked(shop: Shop, version: str, digest: str = "", *, request: str = "again", **changes: Any) -> dict[str, Any]:
    """Return the event by which CloudFormation asks for the slots of a release."""
    template = shop.stack.template(version, digest, **changes)
    before = None if shop.stack.deployed is None else shop.stack.deployed.template.slots_properties()
    old = {} if before is None else {"OldResourceProperties": before}
    return {
        "RequestType": "Create" if before is None else "Update",
        "RequestId": request,
        "StackId": STACK_ID,
        "ResourceProperties": template.slots_properties(),
        **old,
    }


def nothing_changed(shop: Shop) -> bool:
    return shop.unsafe() == [] and shop.ledger.declared() == shop.ledger.release("v1")


# Where a release goes


def test_the_first_release_is_in_both_slots_and_the_first_one_serves(shop: Shop) -> None:
    shop.deploy("v1")
    assert set(shop.models().values()) == {"model-v1-digest-of-v1"}
    assert shop.weights() == {A: 100, B: 0}
    shop.settle()
    assert shop.floors() == {A: 2, B: 1}


def test_an_endpoint_may_have_any_words_in_its_name(aws: Aws, shop: Shop) -> None:
    """SageMaker says the name where it says what it could not find: the endpoint, or its configuration."""
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/model-configuration"
    aws.fail("DescribeEndpoint", ApiError("ValidationException", f'Could not find endpoint "{arn}".'), times=1)
    shop.deploy("v1")
    assert shop.weights() == {A: 100, B: 0}


def test_the_next_release_goes_into_the_idle_slot(serving: Shop) -> None:
    serving.deploy("v2")
    assert serving.models() == {A: "model-v1-digest-of-v1", B: "model-v2-digest-of-v2"}
    assert serving.weights() == {A: 100, B: 0}


def test_after_a_promotion_the_other_slot_is_the_idle_one(serving: Shop) -> None:
    serving.promote("v2")
    serving.deploy("v3")
    assert serving.models() == {A: "model-v3-digest-of-v3", B: "model-v2-digest-of-v2"}
    assert serving.weights() == {A: 0, B: 100}


def test_a_deployment_holds_the_lock_and_keeps_scaling_still(aws: Aws, serving: Shop) -> None:
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    release_slots(asked(serving, "v2", request="r-1"))
    lock = serving.lock()
    assert lock is not None
    assert (lock.kind, lock.holder) == (DEPLOYMENT, "r-1")
    assert all(slot.scale_in_suspended and slot.scale_out_suspended for slot in serving.scaling().values())


def test_a_release_that_is_in_a_slot_moves_nothing(serving: Shop) -> None:
    serving.promote("v2")
    models = serving.models()
    serving.deploy("v1")
    serving.settle()
    assert serving.models() == models
    assert len(serving.aws.asked("UpdateEndpoint")) == 0


def test_a_rejected_release_that_is_in_a_slot_is_not_refused(aws: Aws, serving: Shop) -> None:
    """A change of scaling must not be refused because of the release that stands in the template."""
    execution = serving.begin("v2", "Evaluate")
    aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution)
    aws.cloudwatch.alarms["business"] = "OK"
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    serving.deploy("v2")
    serving.settle()
    assert serving.running() is None
    assert serving.floors() == {A: 3, B: 1}


def test_a_change_of_scaling_alone_goes_by_the_roles_of_now(serving: Shop) -> None:
    serving.promote("v2")
    serving.see_it_land()
    serving.settings = settings(scaling={**SCALED, "min_instances": 3})
    serving.deploy("v2")
    serving.settle()
    assert serving.floors() == {A: 1, B: 3}
    assert serving.unsafe() == []
    assert serving.running() is None


def test_a_change_of_tags_alone_takes_no_instance_from_the_slot_that_serves(aws: Aws) -> None:
    """CloudFormation registers the targets again; after a promotion the roles are no longer those of the template."""
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    shop.promote("v2")
    least: list[int] = []
    aws.sagemaker.endpoints.on_change.append(lambda _: least.append(shop.instances_of(B)))
    shop.deploy("v2", tags="team=shop")
    shop.settle()
    assert min(least, default=2) == 2
    assert shop.floors() == {A: 1, B: 2}
    assert shop.unsafe() == []


# What is refused, before anything changed


def refused(shop: Shop, version: str, digest: str = "", **changes: Any) -> str:
    with pytest.raises(DeployFailed) as caught:
        shop.deploy(version, digest, **changes)
    return str(caught.value)


def test_a_running_rollout_refuses_every_deploy_and_stays_as_it_is(serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate", index=1)
    before = (serving.lock(), serving.weights(), serving.models(), serving.scaling(), serving.ledger.declared())
    assert refused(serving, "v3") == (
        "rollout v2-1 of endpoint shop is running; wait for its end, or abort it, and deploy again"
    )
    serving.settle()
    assert before == (
        serving.lock(), serving.weights(), serving.models(), serving.scaling(), serving.ledger.declared()
    )  # fmt: skip
    serving.run(execution)
    assert execution.status == "SUCCEEDED"


def test_a_running_rollout_refuses_a_change_of_scaling_of_the_same_release(serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    changed = settings(scaling={**SCALED, "min_instances": 3})
    assert refused(serving, "v2", settings=changed).startswith("rollout v2-1 of endpoint shop is running")


def test_a_running_rollout_refuses_a_change_of_tags_alone(serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    assert refused(serving, "v2", tags="team=shop").startswith("rollout v2-1 of endpoint shop is running")
    serving.settle()
    assert serving.weights() == {A: 90, B: 10}


def test_a_rollout_whose_end_is_recorded_holds_nobody_up(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Promote")
    aws.fail("DeleteItem", UNAVAILABLE, times=100_000)
    serving.run(execution)
    aws.heal()
    assert serving.lock() is not None
    serving.deploy("v3")
    assert serving.models()[A] == "model-v3-digest-of-v3"


def test_two_slots_that_serve_are_refused_with_what_to_do(serving: Shop) -> None:
    serving.set_weights(a=50, b=50)
    serving.wait_until_quiet()
    assert refused(serving, "v2") == (
        "exactly one variant of endpoint shop must have all the weight, got variant-a 50, variant-b 50; set the weight "
        "of the variant that must not serve to 0 with UpdateEndpointWeightsAndCapacities"
    )
    assert serving.lock() is None
    assert not serving.suspended()


def test_a_failed_endpoint_is_refused_at_once(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="no capacity", silent=False)
    aws.sagemaker.endpoints.update({"EndpointName": ENDPOINT, "EndpointConfigName": "config-1"})
    serving.wait_until_quiet()
    aws.stacks.status, began = "UPDATE_IN_PROGRESS", aws.clock.now()
    with pytest.raises(DeployRefused, match="endpoint shop is Failed: no capacity; it must be InService"):
        release_slots(asked(serving, "v2"))
    assert aws.clock.now() < began + 30
    assert serving.lock() is None


def test_an_endpoint_that_scales_is_waited_for(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    serving.deploy("v2")
    assert serving.models()[B] == "model-v2-digest-of-v2"


def test_an_endpoint_that_stays_busy_is_refused(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.faults.stalled[(ENDPOINT, A)] = 3600
    aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3})
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused, match=r"endpoint shop is Updating: Unable to provision .*; it must be InService"):
        release_slots(asked(serving, "v2"))
    assert serving.lock() is None
    assert not serving.suspended()


def test_scaling_that_began_just_before_it_was_suspended_is_waited_for(aws: Aws, serving: Shop) -> None:
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    aws.interrupt("RegisterScalableTarget", lambda: aws.sagemaker.scaling.register({**scaling_id(A), "MinCapacity": 3}))
    release_slots(asked(serving, "v2"))
    assert not aws.sagemaker.endpoints.find(ENDPOINT).in_progress


def test_a_version_that_names_another_content_is_refused(serving: Shop) -> None:
    assert refused(serving, "v1", "0123456789abcdef") == (
        "version v1 already names another content (digest-of-v1, now 0123456789ab); give the new content a new version"
    )
    assert nothing_changed(serving)


def test_a_version_whose_image_comes_by_a_parameter_names_the_image_that_the_parameter_had(serving: Shop) -> None:
    serving.deploy("v2", content_values=("image:7",))
    serving.deploy("v2", content_values=("image:7",), tags="team=shop")
    assert refused(serving, "v2", content_values=("image:8",)).startswith("version v2 already names another content")


def test_a_deploy_after_somebody_deleted_the_live_config_is_refused_with_a_way_out(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.catalogue.configs.delete({"EndpointConfigName": serving.view().config_name})
    with pytest.raises(DeployFailed, match="somebody deleted the endpoint config that endpoint shop is on"):
        serving.deploy("v2")
    assert serving.lock() is None
    assert not serving.suspended()


def test_a_release_that_was_rolled_back_and_has_left_its_slot_is_refused(aws: Aws, serving: Shop) -> None:
    execution = serving.begin("v2", "Evaluate")
    aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution)
    aws.cloudwatch.alarms["business"] = "OK"
    serving.promote("v3")
    assert refused(serving, "v2") == "version v2 was rolled back before; choose a new version to try it again"
    serving.settle()
    assert serving.unsafe() == []


def test_a_release_that_was_rolled_back_is_refused_from_the_slot_that_still_holds_it(aws: Aws, serving: Shop) -> None:
    """Back to the version that serves, and then to the rejected one again: a green deploy that releases nothing."""
    execution = serving.begin("v2", "Evaluate")
    aws.cloudwatch.alarms["business"] = "ALARM"
    serving.run(execution)
    aws.cloudwatch.alarms["business"] = "OK"
    serving.deploy("v1")
    serving.settle()
    assert serving.models()[B] == "model-v2-digest-of-v2"
    assert refused(serving, "v2") == "version v2 was rolled back before; choose a new version to try it again"
    serving.settle()
    assert serving.unsafe() == []


def test_a_deploy_that_takes_the_archive_of_stable_away_is_refused(shop: Shop) -> None:
    """SageMaker reads the archive of the release that serves again for every new instance."""
    shop.deploy("v1", buckets=("old",), readable=("old",))
    shop.settle()
    assert refused(shop, "v2", buckets=("new",), readable=("new",)) == (
        "version v1 stays in a slot and reads its archive from bucket old, which the models' role may not read after "
        "this deploy; add the bucket to model_buckets, and deploy again"
    )
    assert refused(shop, "v2", readable=()).startswith("version v1 stays in a slot")
    assert shop.models()[B] == "model-v1-digest-of-v1"
    shop.deploy("v2", buckets=("new",), readable=("new", "old"))
    assert shop.models()[B] == "model-v2-digest-of-v2"


def test_a_deploy_that_takes_the_key_of_stable_away_is_refused(shop: Shop) -> None:
    shop.deploy("v1", buckets=("models",), readable=("models",), key="key-1", usable_keys=("key-1",))
    shop.settle()
    assert refused(shop, "v2", buckets=("models",), readable=("models",), usable_keys=("key-2",)) == (
        "version v1 stays in a slot and reads its archive with key key-1, which the models' role may not use after "
        "this deploy; give the archive's bucket with its encryption_key in model_buckets, and deploy again"
    )
    shop.deploy("v2", buckets=("models",), readable=("models",), key="key-2", usable_keys=("key-2", "key-1"))
    assert shop.models()[B] == "model-v2-digest-of-v2"


@pytest.mark.parametrize(("before", "after"), [("made", "given"), ("given", "made")])
def test_a_deploy_that_takes_the_role_of_stable_away_is_refused(shop: Shop, before: str, after: str) -> None:
    shop.deploy("v1", role=before, kept_roles=(before,))
    shop.settle()
    assert refused(shop, "v2", role=after, kept_roles=(after,)) == (
        f"version v1 stays in a slot and runs under role {before}, which this deploy would take away or let read less; "
        "call keep_role() on the endpoint, with this role if you made it, and deploy again"
    )
    assert refused(shop, "v1", role=after, kept_roles=(after,)).startswith("version v1 stays in a slot")
    assert shop.unsafe() == []
    for version in ("v2", "v3"):
        shop.deploy(version, role=after, kept_roles=(after, before))
        shop.settle()
        execution = shop.running()
        assert execution is not None
        shop.run(execution)
    shop.deploy("v3", role=after, kept_roles=(after,))


def test_what_an_older_deploy_did_not_record_is_not_judged(serving: Shop) -> None:
    serving.deploy("v2", role="made", kept_roles=("made",), key="key-1", usable_keys=("key-1",))
    assert serving.models()[B] == "model-v2-digest-of-v2-made"


def test_a_role_that_the_stack_does_not_know_is_not_judged(shop: Shop) -> None:
    shop.deploy("v1", buckets=("old",), readable=("old",))
    shop.settle()
    shop.deploy("v2", buckets=("new",))
    assert shop.models()[B] == "model-v2-digest-of-v2"


@pytest.mark.usefixtures("serving")
def test_an_endpoint_of_somebody_else_is_refused(aws: Aws) -> None:
    stranger = Shop(aws)
    assert refused(stranger, "v9") == (
        "an endpoint named shop exists already and is not part of this stack; choose another endpoint_name or delete it"
    )


def test_a_refused_creation_deletes_nothing_of_the_endpoint_that_was_there(aws: Aws, serving: Shop) -> None:
    """The models and configs of the other stack have the same tag."""
    refused(Shop(aws), "v9")
    models = [row["ModelName"] for row in aws.sagemaker.catalogue.models.list({})["Models"]]
    configs = [row["EndpointConfigName"] for row in aws.sagemaker.catalogue.configs.list({})["EndpointConfigs"]]
    assert models == ["model-v1-digest-of-v1"]
    assert configs == ["config-1"]
    assert serving.weights() == {A: 100, B: 0}


def test_an_endpoint_that_was_deleted_by_hand_is_refused(aws: Aws, serving: Shop) -> None:
    aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
    serving.wait_until_quiet()
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused, match="endpoint shop was deleted outside this stack"):
        release_slots(asked(serving, "v2"))
    assert serving.lock() is None


def test_a_refusal_never_frees_the_lock_of_somebody_else(aws: Aws, serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    lock = serving.lock()
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused):
        release_slots(asked(serving, "v3"))
    assert serving.lock() == lock


# Repetitions and rollbacks


def test_a_request_that_is_delivered_again_gets_its_first_answer_and_takes_no_lock(aws: Aws, serving: Shop) -> None:
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    event = asked(serving, "v2", request="r-1")
    first = release_slots(event)
    serving.ledger.free("r-1")
    assert release_slots(event) == first
    assert serving.lock() is None


def test_a_creation_that_is_delivered_again_is_not_refused(shop: Shop) -> None:
    event = asked(shop, "v1", request="request-1")
    for resource in shop.stack.deploying(shop.stack.template("v1")):
        if resource == "VerifiedEndpoint":
            assert release_slots(event)["ModelA"] == "model-v1-digest-of-v1"
            lock = shop.lock()
            assert lock is not None
            assert lock.holder == "request-1"


def test_a_crash_before_the_answer_may_be_repeated(aws: Aws, serving: Shop) -> None:
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    serving.ledger.lock_for_deployment("r-1", aws.clock.now())
    assert release_slots(asked(serving, "v2", request="r-1"))["ModelB"] == "model-v2-digest-of-v2"


def test_a_failed_deploy_is_rolled_back_to_the_answer_of_then(aws: Aws, serving: Shop) -> None:
    serving.promote("v2")
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="the container does not start", silent=True)
    assert "the container does not start" in refused(serving, "v3")
    serving.settle()
    assert serving.models() == {A: "model-v1-digest-of-v1", B: "model-v2-digest-of-v2"}
    assert serving.weights() == {A: 0, B: 100}
    assert serving.unsafe() == []
    assert serving.running() is None


def test_a_failed_deploy_never_shrinks_the_slot_that_serves(aws: Aws) -> None:
    """The answer of then has the floors of then: on a fixed fleet they are ceilings, too."""
    shop = Shop(aws, scaling=FIXED)
    shop.serve_first()
    shop.promote("v2")
    shop.promote("v3")
    least: list[int] = []
    aws.sagemaker.endpoints.on_change.append(lambda _: least.append(shop.instances_of(A)))
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="the container does not start", silent=True)
    refused(shop, "v4")
    shop.settle()
    assert shop.unsafe() == []
    assert min(least) == 2


def test_a_resource_that_fails_while_the_endpoint_is_updated_leaves_a_stack_that_goes_back(serving: Shop) -> None:
    """CloudFormation does not wait for the update. SageMaker takes no other one before it has ended."""
    serving.stack.sibling_fails = True
    assert refused(serving, "v2") == "another resource of the stack failed"
    serving.settle()
    assert serving.aws.stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert set(serving.models().values()) == {"model-v1-digest-of-v1"}
    assert serving.unsafe() == []


def test_during_a_rollback_nothing_is_refused(aws: Aws, serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert release_slots(asked(serving, "v2"))["ModelB"] == "model-v2-digest-of-v2"


def test_during_a_rollback_weak_services_are_waited_for(aws: Aws, serving: Shop) -> None:
    serving.begin("v2", "Evaluate")
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    for operation in ("DescribeStacks", "GetItem", "PutItem", "UpdateItem"):
        aws.fail(operation, THROTTLED, times=4)
        aws.fail(operation, UNAVAILABLE, times=2)
    assert release_slots(asked(serving, "v2"))["ModelB"] == "model-v2-digest-of-v2"


def test_a_rollback_without_a_stored_answer_keeps_what_is_there(aws: Aws, serving: Shop) -> None:
    serving.promote("v2")
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    event = asked(serving, "v2")
    event["ResourceProperties"]["ServiceToken"] = "arn:of:an:older:library"
    answer = release_slots(event)
    assert (answer["ModelA"], answer["ModelB"]) == ("model-v1-digest-of-v1", "model-v2-digest-of-v2")
    assert (answer["WeightA"], answer["WeightB"]) == (100, 0)


@pytest.mark.parametrize("error", [THROTTLED, UNAVAILABLE, ApiError("AccessDeniedException", "no")])
def test_a_failure_in_the_middle_frees_the_lock(aws: Aws, serving: Shop, error: ApiError) -> None:
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    aws.fail("DescribeEndpointConfig", error, times=1000)
    with pytest.raises(Exception, match=error.message):
        release_slots(asked(serving, "v2"))
    assert serving.lock() is None
    assert not serving.suspended()


# Deletion


def test_deletion_leaves_nothing_behind(aws: Aws, serving: Shop) -> None:
    serving.promote("v2")
    serving.promote("v3")
    serving.stack.destroy()
    assert aws.sagemaker.catalogue.models.list({})["Models"] == []
    assert aws.sagemaker.catalogue.configs.list({})["EndpointConfigs"] == []


@pytest.mark.parametrize(("stays_seconds", "least", "most"), [(0, 0, 60), (400, 400, 460), (3600, 590, 660)])
def test_deletion_waits_until_sagemaker_has_left_the_security_group(
    aws: Aws, shop: Shop, stays_seconds: float, least: float, most: float
) -> None:
    shop.deploy("v1", security_group="sg-1")
    shop.settle()
    began = aws.clock.now()
    aws.network.gone_at["sg-1"] = began + stays_seconds
    shop.stack.destroy()
    assert least <= aws.clock.now() - began <= most


def test_an_ec2_that_limits_calls_fails_no_deletion(aws: Aws, shop: Shop) -> None:
    shop.deploy("v1", security_group="sg-1")
    shop.settle()
    aws.fail("DescribeNetworkInterfaces", ApiError("RequestLimitExceeded", "Request limit exceeded."), times=9)
    shop.stack.destroy()
    assert len(aws.asked("DescribeNetworkInterfaces")) == 10


def test_without_a_group_of_its_own_nobody_is_asked_for_interfaces(aws: Aws, serving: Shop) -> None:
    serving.stack.destroy()
    assert aws.asked("DescribeNetworkInterfaces") == []


def test_deletion_leaves_the_models_of_other_endpoints(aws: Aws, serving: Shop) -> None:
    container = {"Image": "image:1", "ModelDataUrl": "s3://models/other.tar.gz"}
    tags = [{**TAGS[0], "Value": "other"}]
    aws.sagemaker.catalogue.models.create(
        {"ModelName": "other", "ExecutionRoleArn": "arn:role", "PrimaryContainer": container, "Tags": tags}
    )
    serving.stack.destroy()
    assert [row["ModelName"] for row in aws.sagemaker.catalogue.models.list({})["Models"]] == ["other"]


def test_a_newer_payload_is_refused_with_both_versions(serving: Shop) -> None:
    event = asked(serving, "v2")
    newer = {**json.loads(event["ResourceProperties"]["Settings"]), "schema": 99}
    event["ResourceProperties"]["Settings"] = json.dumps(newer)
    with pytest.raises(PayloadTooNew, match="payload schema 99 is newer than 1, the newest known here"):
        release_slots(event)


def test_a_deploy_that_takes_one_archive_of_a_pipeline_away_is_refused(shop: Shop) -> None:
    shop.deploy("v1", buckets=("features", "models"), readable=("features", "models"))
    shop.settle()
    assert "reads its archive from bucket features" in refused(shop, "v2", buckets=("models",), readable=("models",))
    shop.settle()
    shop.deploy("v2", buckets=("models",), readable=("models", "features"))


def test_a_deploy_that_takes_the_credentials_of_a_registry_away_is_refused(shop: Shop) -> None:
    known = {"readable": ("models",)}
    shop.deploy("v1", functions=("arn:credentials",), callable_functions=("arn:credentials",), **known)
    shop.settle()
    assert refused(shop, "v2", **known) == (
        "version v1 stays in a slot and takes its image from a registry with the credentials of function "
        "arn:credentials, which the models' role may not call after this deploy; give this release in kept_releases, "
        "and deploy again"
    )
    shop.settle()
    shop.deploy("v2", callable_functions=("arn:credentials",), **known)


# How a slot is hosted

STARTUP, VOLUME = "ContainerStartupHealthCheckTimeoutInSeconds", "VolumeSizeInGB"
KNOBS = {STARTUP: 600, VOLUME: 30}


def hosted(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return the knobs of each slot, as SageMaker has them now."""
    endpoint = shop.aws.sagemaker.endpoints.find(ENDPOINT)
    variants = shop.aws.sagemaker.catalogue.configs.find(endpoint.config_name).properties["ProductionVariants"]
    return {
        variant["VariantName"]: {name: variant[name] for name in (STARTUP, VOLUME) if name in variant}
        for variant in variants
    }


def test_an_endpoint_without_hosting_answers_no_knob(serving: Shop) -> None:
    assert serving.stack.deployed is not None
    assert set(serving.stack.deployed.answer) == {
        f"{name}{letter}" for name in ("Model", "Weight", "Instances", "InstanceType", "Version") for letter in "AB"
    }


def test_both_slots_of_a_new_endpoint_are_hosted_as_its_release(shop: Shop) -> None:
    shop.deploy("v1", knobs=KNOBS, own_knobs={VOLUME: 60})
    assert hosted(shop) == {A: {STARTUP: 600, VOLUME: 60}, B: {STARTUP: 600, VOLUME: 60}}


def test_the_hosting_of_a_release_reaches_its_slot_and_travels_with_it(shop: Shop) -> None:
    shop.serve_first(knobs=KNOBS)
    shop.promote("v2", knobs=KNOBS, own_knobs={VOLUME: 60})
    shop.see_it_land()
    assert hosted(shop) == {A: KNOBS, B: {STARTUP: 600, VOLUME: 60}}
    shop.deploy("v3", knobs={STARTUP: 900, VOLUME: 90})
    assert hosted(shop) == {A: {STARTUP: 900, VOLUME: 90}, B: {STARTUP: 600, VOLUME: 60}}


def test_going_back_to_the_release_before_is_one_deploy_that_moves_nothing(shop: Shop) -> None:
    shop.serve_first(knobs=KNOBS)
    shop.promote("v2", knobs=KNOBS, own_knobs={VOLUME: 60})
    shop.see_it_land()
    before = hosted(shop)
    config = shop.aws.sagemaker.endpoints.find(ENDPOINT).config_name
    shop.deploy("v1", knobs=KNOBS)
    assert hosted(shop) == before
    assert shop.aws.sagemaker.endpoints.find(ENDPOINT).config_name == config
    shop.settle()
    assert shop.running() is not None


def test_a_knob_that_the_endpoint_gets_later_has_its_own_value_in_the_slot_that_serves(serving: Shop) -> None:
    serving.deploy("v2", knobs={VOLUME: 30}, own_knobs={VOLUME: 60})
    assert hosted(serving) == {A: {VOLUME: 30}, B: {VOLUME: 60}}


def test_a_knob_that_the_slot_that_serves_was_started_with_cannot_go(shop: Shop) -> None:
    shop.serve_first(knobs=KNOBS)
    assert refused(shop, "v2", knobs={STARTUP: 600}) == (
        "the hosting of endpoint shop must keep what the release that serves was started with (VolumeSizeInGB 30); "
        "give the hosting a value for it, which may be another one, and deploy again"
    )
    assert hosted(shop) == {A: KNOBS, B: KNOBS}
    assert nothing_changed(shop)


def test_a_failed_deploy_of_another_hosting_leaves_both_slots_as_they_were(aws: Aws, shop: Shop) -> None:
    shop.serve_first(knobs=KNOBS)
    aws.sagemaker.faults.updates[ENDPOINT] = UpdateFailure(reason="no capacity", silent=True)
    with pytest.raises(DeployFailed):
        shop.deploy("v2", knobs={STARTUP: 900, VOLUME: 90})
    shop.settle()
    assert hosted(shop) == {A: KNOBS, B: KNOBS}
    assert shop.unsafe() == []


def test_a_stack_that_goes_back_without_an_answer_keeps_the_hosting_of_both_slots(aws: Aws, shop: Shop) -> None:
    shop.serve_first(knobs=KNOBS)
    event = asked(shop, "v9", knobs={STARTUP: 900, VOLUME: 90})
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    answer = release_slots(event)
    assert [answer[f"{name}{letter}"] for name in (STARTUP, VOLUME) for letter in "AB"] == [600, 600, 30, 30]


def test_the_clean_up_of_a_refused_creation_leaves_a_rollout_its_instances(aws: Aws, serving: Shop) -> None:
    """The construct of an endpoint that is kept got another ID: its resource is made anew, refused, and deleted."""
    serving.requests_per_period = 6000
    execution = serving.begin("v2", "Evaluate", index=2)
    before, instances = serving.scaling(), {slot: serving.instances_of(slot) for slot in (A, B)}
    properties = {**serving.stack.template("v2").slots_properties(), KEPT: "yes"}
    aws.stacks.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeployRefused):
        release_slots(serving.stack._event("Create", properties))
    aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    release_slots(serving.stack._event("Delete", properties, PhysicalResourceId=ENDPOINT + NEVER_MADE))
    aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"
    serving.settle()
    serving.wait_until_quiet()
    assert {slot: serving.instances_of(slot) for slot in (A, B)} == instances
    assert serving.scaling() == before
    serving.run(execution)
    assert execution.status == "SUCCEEDED", execution.failure
    assert serving.unsafe() == []
