from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnParameter, Stack
from hypothesis import given
from hypothesis import strategies as st

from canary_construct import Container, InstanceScaling, ModelRelease, PrivateRegistry, S3Prefix

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/recommender:1"


@given(st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True))
def test_any_label_that_can_name_an_execution_is_accepted(version: str) -> None:
    assert ModelRelease(version=version, image_uri=IMAGE).version == version


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=70))
def test_a_label_is_accepted_exactly_when_it_is_short_and_plain(version: str) -> None:
    plain = all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in version)
    if plain and 1 <= len(version) <= 64:
        ModelRelease(version=version, image_uri=IMAGE)
    else:
        with pytest.raises(ValueError, match=r"^version must be 1 to 64 letters, digits, dots, hyphens or underscores"):
            ModelRelease(version=version, image_uri=IMAGE)


@pytest.mark.parametrize("version", ["", "v 1", "v1/rc", "v" * 65, "v1\n"])
def test_a_label_that_cannot_name_an_execution_is_refused_with_the_reason(version: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        ModelRelease(version=version, image_uri=IMAGE)
    assert str(refusal.value) == (
        f"version must be 1 to 64 letters, digits, dots, hyphens or underscores, got {version!r}: "
        "rollouts are named after it"
    )


def test_a_label_known_only_at_deploy_time_is_not_checked() -> None:
    version = CfnParameter(Stack(), "Version").value_as_string
    assert ModelRelease(version=version, image_uri=IMAGE).version == version


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/folder/", "/tmp/model", "s3://m/a "]
)
def test_a_url_that_names_no_object_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        ModelRelease(version="v1", image_uri=IMAGE, model_data_url=url)
    assert str(refusal.value) == f"model_data_url must be s3://bucket/key of a model.tar.gz, got {url!r}"


def test_a_url_known_only_at_deploy_time_is_not_checked() -> None:
    url = CfnParameter(Stack(), "Url").value_as_string
    assert ModelRelease(version="v1", image_uri=IMAGE, model_data_url=url).model_data_url == url


def test_a_url_and_an_asset_together_are_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^the model data of a container is one of model_data_url, model_data and an asset, "
        r"got model_data_url s3://bucket/key and an asset model$",
    ):
        ModelRelease(version="v1", image_uri=IMAGE, model_data_url="s3://bucket/key", asset_path="model")


def test_an_image_may_hold_the_model() -> None:
    release = ModelRelease(version="v1", image_uri=IMAGE)
    assert (release.model_data_url, release.asset_path, dict(release.environment)) == (None, None, {})


def test_an_asset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "model")
    with pytest.raises(
        ValueError, match=r"^path must be a model.tar.gz or a folder, got .*model, which does not exist$"
    ):
        ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=missing)


def test_an_asset_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.zip"
    other.touch()
    with pytest.raises(ValueError, match=r"^path must be a \.tar\.gz file or a folder, got .*model\.zip$"):
        ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=str(other))


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/key", "s3:///", "/tmp/model/", ""])
def test_a_prefix_that_names_no_folder_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        S3Prefix(url=url)
    assert str(refusal.value) == f"url of an S3Prefix must be s3://bucket/folder/, got {url!r}"


@pytest.mark.parametrize("url", ["s3://bucket/", "s3://bucket/folder/", "s3://bucket/a/b/"])
def test_a_prefix_may_be_a_whole_bucket_or_a_folder(url: str) -> None:
    assert S3Prefix(url=url).url == url


def two(**of_second: object) -> list[Container]:
    second: dict[str, object] = {"image_uri": IMAGE, **of_second}
    return [Container(image_uri=IMAGE), Container(**second)]  # type: ignore[arg-type]  # the tests say which


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({}, "release v1 must have an image_uri, containers or a model package, got none"),
        (
            {"containers": two(), "image_uri": IMAGE, "environment": {"A": "1"}},
            "release v1 has containers, which say image_uri, environment themselves",
        ),
        (
            {"containers": two()[:1]},
            "containers must be 2 to 15, got 1; say image_uri and the rest of a single one in the release",
        ),
        (
            {"containers": two() * 8},
            "containers must be 2 to 15, got 16; say image_uri and the rest of a single one in the release",
        ),
        (
            {"containers": two(hostname="ranker")},
            "containers must all have different hostnames, or none, got ['ranker'] for 2 containers",
        ),
        (
            {"containers": two(hostname="ranker")[1:] * 2},
            "containers must all have different hostnames, or none, got ['ranker', 'ranker'] for 2 containers",
        ),
    ],
)
def test_containers_that_make_no_model_are_refused(props: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        ModelRelease(version="v1", **props)  # type: ignore[arg-type]  # the cases say which
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("hostname", ["-", "-a", "a" * 64, "a_b"])
def test_a_hostname_that_sagemaker_does_not_take_is_refused(hostname: str) -> None:
    with pytest.raises(ValueError, match=r"^hostname must be 1 to 63 letters, digits and hyphens between them, got"):
        Container(image_uri=IMAGE, hostname=hostname)


def test_the_only_container_has_everything_that_the_release_says() -> None:
    registry, data = PrivateRegistry(), S3Prefix(url="s3://models/v1/")
    release = ModelRelease(
        version="v1", image_uri=IMAGE, model_data=data, environment={"TOP": "1"}, image_config=registry
    )
    assert release.all_containers() == [
        Container(image_uri=IMAGE, model_data=data, environment={"TOP": "1"}, image_config=registry)
    ]


def test_a_container_of_a_pipeline_is_shipped_from_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("1")
    assert Container.from_asset(image_uri=IMAGE, path=str(tmp_path)).asset_path == str(tmp_path)
    with pytest.raises(ValueError, match=r"^path must be a model.tar.gz or a folder, got .*, which does not exist$"):
        Container.from_asset(image_uri=IMAGE, path=str(tmp_path / "none"))


def test_a_release_may_say_type_and_scaling_wherever_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("1")
    own: dict[str, Any] = {"instance_type": "ml.g5.xlarge", "scaling": InstanceScaling(min_instances=2)}
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/7"
    for release in (
        ModelRelease(version="v1", image_uri=IMAGE, **own),
        ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=str(tmp_path), **own),
        ModelRelease.from_model_package(version="v1", arn=arn, **own),
    ):
        assert (release.instance_type, release.scaling) == ("ml.g5.xlarge", InstanceScaling(min_instances=2))


def test_a_scaling_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^scaling of ModelRelease must be an InstanceScaling or left out, got 3$"):
        ModelRelease(version="v1", image_uri=IMAGE, scaling=3)  # type: ignore[arg-type]  # that is the point
