from pathlib import Path

import pytest
from aws_cdk import CfnParameter, Stack
from hypothesis import given
from hypothesis import strategies as st

from canary_construct import ModelRelease

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


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/folder/", "/tmp/model", ""])
def test_a_url_that_names_no_object_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        ModelRelease(version="v1", image_uri=IMAGE, model_data_url=url)
    assert str(refusal.value) == f"model_data_url must be s3://bucket/key of a model.tar.gz, got {url!r}"


def test_a_url_known_only_at_deploy_time_is_not_checked() -> None:
    url = CfnParameter(Stack(), "Url").value_as_string
    assert ModelRelease(version="v1", image_uri=IMAGE, model_data_url=url).model_data_url == url


def test_a_url_and_an_asset_together_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^a release has either model_data_url or an asset, got both s3://bucket/key and model$"
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
