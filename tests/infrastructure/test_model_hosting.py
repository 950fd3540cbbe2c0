import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from aws_cdk import Duration, Size
from rollout.contract.hosting import KNOBS

from canary_construct import ModelHosting, ModelRelease, RoutingStrategy
from canary_construct.hosting.hosting import check_volume_has_a_size
from canary_construct.props.model_hosting import TIMEOUT_SECONDS, VOLUME_GIB
from canary_tools.aws_models.sagemaker.config_rules import has_local_storage
from tests.infrastructure.synthesis import RELEASE, Resources, only, properties, resources_of, statements

pytestmark = pytest.mark.xdist_group("guards")

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
VARIANT = SAGEMAKER.shape_for("ProductionVariant").members
ONE_BY_ONE = [
    ModelHosting(startup_timeout=Duration.minutes(20)),
    ModelHosting(download_timeout=Duration.minutes(20)),
    ModelHosting(volume_size=Size.gibibytes(60)),
    ModelHosting(inference_ami_version="al2023-ami-sagemaker-inference-gpu-4-1"),
    ModelHosting(routing_strategy=RoutingStrategy.LEAST_OUTSTANDING_REQUESTS),
    ModelHosting(enable_ssm=True),
]
EVERYTHING = ModelHosting(
    startup_timeout=Duration.minutes(10),
    download_timeout=Duration.minutes(10),
    volume_size=Size.gibibytes(30),
    inference_ami_version="al2-ami-sagemaker-inference-gpu-2",
    routing_strategy=RoutingStrategy.RANDOM,
    enable_ssm=False,
)


@pytest.fixture(scope="module")
def hosted() -> Resources:
    return resources_of(hosting=EVERYTHING)


def guard(resources: Resources) -> dict[str, Any]:
    return properties(resources, "Custom::ReleaseSlots")


def variants(resources: Resources) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties(resources, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    return found


def test_each_slot_has_the_knobs_that_the_guard_answered_for_it(hosted: Resources) -> None:
    name, _ = only(hosted, "Custom::ReleaseSlots")
    for letter, variant in zip("AB", variants(hosted), strict=True):
        flat = {**variant, **variant["RoutingConfig"]}
        assert {knob: flat[knob] for knob in KNOBS} == {
            knob: {"Fn::GetAtt": [name, f"{knob}{letter}"]} for knob in KNOBS
        }


def test_without_hosting_nothing_is_rendered_and_nothing_is_asked(resources: Resources) -> None:
    assert "Hosting" not in guard(resources)
    assert not any(knob in variant for variant in variants(resources) for knob in [*KNOBS, "RoutingConfig"])


@pytest.mark.parametrize("own", ONE_BY_ONE, ids=lambda own: next(iter(own.knobs())))
def test_each_knob_of_a_release_is_part_of_its_content_and_gives_it_a_model_of_its_own(
    hosted: Resources, own: ModelHosting
) -> None:
    later = resources_of(hosting=EVERYTHING, release=replace(RELEASE, hosting=own))
    assert guard(later)["ContentDigest"] != guard(hosted)["ContentDigest"]
    assert json.loads(guard(later)["Hosting"])["release"] == {**EVERYTHING.knobs(), **own.knobs()}
    assert {hosted[name]["Type"] for name in hosted if hosted[name] != later[name]} == {
        "AWS::SageMaker::Model", "Custom::ReleaseSlots",
    }  # fmt: skip


def test_what_a_release_repeats_of_the_endpoint_changes_nothing(hosted: Resources) -> None:
    assert resources_of(hosting=EVERYTHING, release=replace(RELEASE, hosting=EVERYTHING)) == hosted


def test_a_shipped_release_has_hosting_too(tmp_path: Any) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_text("1")
    own = ModelHosting(volume_size=Size.gibibytes(60))
    shipped = ModelRelease.from_asset(
        version="v1",
        image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1",
        path=str(tmp_path / "model"),
        hosting=own,
    )
    assert shipped.hosting == own


def test_the_role_may_open_shells_only_when_the_endpoint_lets_people_in(resources: Resources) -> None:
    def shells(of: Resources) -> list[dict[str, Any]]:
        return [s for s in statements(of, "ModelRole") if any(a.startswith("ssmmessages:") for a in s["Action"])]

    (allowed,) = shells(resources_of(hosting=ModelHosting(enable_ssm=True)))
    assert len(allowed["Action"]) == 4
    assert shells(resources) == []


def test_a_volume_size_is_refused_for_instances_with_disks_of_their_own() -> None:
    size = ModelHosting(volume_size=Size.gibibytes(60))
    with pytest.raises(ValueError, match=r"^volume_size must be left out for ml\.g5\.xlarge: it stores on NVMe disks"):
        resources_of(instance_type="ml.g5.xlarge", hosting=size)


@pytest.mark.parametrize("instance_type", SAGEMAKER.shape_for("ProductionVariantInstanceType").enum)
def test_the_library_and_the_local_aws_refuse_the_same_volumes(instance_type: str) -> None:
    try:
        check_volume_has_a_size(instance_type)
    except ValueError:
        assert has_local_storage(instance_type)
    else:
        assert not has_local_storage(instance_type)


def test_the_ranges_are_those_of_sagemaker() -> None:
    for name, allowed in (
        ("ContainerStartupHealthCheckTimeoutInSeconds", TIMEOUT_SECONDS),
        ("ModelDataDownloadTimeoutInSeconds", TIMEOUT_SECONDS),
        ("VolumeSizeInGB", VOLUME_GIB),
    ):
        assert VARIANT[name].metadata == {"min": allowed[0], "max": allowed[-1]}
    assert {strategy.value for strategy in RoutingStrategy} < set(SAGEMAKER.shape_for("RoutingStrategy").enum)
