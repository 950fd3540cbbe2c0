"""How instances are hosted: what the value refuses, and what it renders."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Size, Stack
from rollout.contract.hosting import KNOBS

from canary_construct import ModelHosting, ModelRelease, RoutingStrategy
from canary_construct.hosting.slot_hosting import slot_hosting

EVERYTHING = ModelHosting(
    startup_timeout=Duration.minutes(10),
    download_timeout=Duration.hours(1),
    volume_size=Size.gibibytes(512),
    inference_ami_version="al2-ami-sagemaker-inference-gpu-3-1",
    routing_strategy=RoutingStrategy.LEAST_OUTSTANDING_REQUESTS,
    enable_ssm=False,
)


def release(hosting: ModelHosting | None = None) -> ModelRelease:
    return ModelRelease(version="v2", image_uri="image:1", hosting=hosting)


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"startup_timeout": Duration.seconds(59)}, "startup_timeout must be between 60 and 3600 s, got 59"),
        ({"startup_timeout": Duration.seconds(3601)}, "startup_timeout must be between 60 and 3600 s, got 3601"),
        ({"download_timeout": Duration.seconds(59)}, "download_timeout must be between 60 and 3600 s, got 59"),
        ({"download_timeout": Duration.hours(2)}, "download_timeout must be between 60 and 3600 s, got 7200"),
        ({"volume_size": Size.gibibytes(0)}, "volume_size must be between 1 and 512 GiB, got 0"),
        ({"volume_size": Size.tebibytes(1)}, "volume_size must be between 1 and 512 GiB, got 1024"),
        (
            {"inference_ami_version": ""},
            "inference_ami_version of ModelHosting must be left out or say something, got an empty text",
        ),
    ],
)
def test_impossible_hosting_is_refused(props: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared
        ModelHosting(**props)
    assert str(refusal.value) == sentence


def test_times_and_sizes_of_deploy_time_are_refused_and_an_ami_version_is_not() -> None:
    stack = Stack(App(), "Shop")
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    name = CfnParameter(stack, "Name").value_as_string
    with pytest.raises(ValueError, match=r"^startup_timeout of ModelHosting must be known at synth"):
        ModelHosting(startup_timeout=Duration.seconds(number))
    with pytest.raises(ValueError, match=r"^volume_size of ModelHosting must be known at synth"):
        ModelHosting(volume_size=Size.gibibytes(number))
    assert ModelHosting(inference_ami_version=name).knobs() == {"InferenceAmiVersion": name}


def test_every_knob_is_rendered_by_sagemaker_s_name_and_false_is_a_value() -> None:
    assert tuple(EVERYTHING.knobs()) == KNOBS
    assert EVERYTHING.knobs()["EnableSSMAccess"] is False
    assert ModelHosting().knobs() == {}


def test_a_release_goes_before_the_endpoint() -> None:
    wanted = slot_hosting(EVERYTHING, release(ModelHosting(volume_size=Size.gibibytes(60))))
    assert wanted.endpoint == EVERYTHING.knobs()
    assert wanted.release == {**EVERYTHING.knobs(), "VolumeSizeInGB": 60}


def test_a_release_cannot_set_what_the_endpoint_does_not() -> None:
    with pytest.raises(ValueError, match=r"^release v2 sets volume_size, which the endpoint's hosting must set"):
        slot_hosting(None, release(ModelHosting(volume_size=Size.gibibytes(60))))
