import importlib.util
import json
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from examples.recommender.model import inference, train
from examples.recommender.model.archive import pack
from examples.recommender.model.data import USERS, Purchases, make_purchases
from examples.recommender.model.inference import Model
from examples.recommender.shop.senders import RELEASE_IN_ERROR


def ask(model: Model, user: int) -> dict[str, object]:
    """Go through the four functions as an inference server does."""
    request = inference.input_fn(json.dumps({"user": user}), "application/json")
    answer, _ = inference.output_fn(inference.predict_fn(request, model), "application/json")
    parsed: dict[str, object] = json.loads(answer)
    return parsed


def test_the_same_seed_makes_the_same_purchases(purchases: Purchases) -> None:
    assert make_purchases() == purchases


def test_no_user_has_the_held_out_item_in_the_history(purchases: Purchases) -> None:
    pairs = zip(purchases.held_out, purchases.history, strict=True)
    assert not any(item in history for item, history in pairs)


def test_archives_are_byte_identical_from_run_to_run(
    purchases: Purchases, archives: Mapping[str, Path], tmp_path: Path
) -> None:
    for name, again in train.train(purchases).items():
        pack(again, tmp_path / name)
        assert (tmp_path / name).read_bytes() == archives[name].read_bytes()


def test_an_archive_carries_no_time_and_no_owner(archives: Mapping[str, Path]) -> None:
    with tarfile.open(archives["v1"]) as archive:
        members = {member.name: (member.mtime, member.uid, member.gid) for member in archive}
    assert members == {"code/inference.py": (0, 0, 0), "model.json": (0, 0, 0)}


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "v4", "v5"])
def test_every_archive_is_under_a_megabyte(name: str, archives: Mapping[str, Path]) -> None:
    assert archives[name].stat().st_size < 1_000_000


def test_the_unpacked_code_runs_alone(model_dir: Path) -> None:
    spec = importlib.util.spec_from_file_location("packed_inference", model_dir / "code" / "inference.py")
    assert spec is not None
    assert spec.loader is not None
    packed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(packed)
    answer = packed.predict_fn(packed.input_fn(b'{"user": 4}', "application/json"), packed.model_fn(model_dir))
    assert answer["model"] == "v2"


def test_collaborative_filtering_beats_popularity_on_what_was_held_out(
    purchases: Purchases, models: Mapping[str, Model]
) -> None:
    popularity = train.hit_rate(models["v1"], purchases)
    assert popularity > 0.05
    assert train.hit_rate(models["v2"], purchases) > 1.4 * popularity


@pytest.mark.parametrize("name", ["v1", "v2", "v4", "v5"])
def test_an_answer_has_ten_different_items_that_the_user_does_not_own(
    name: str, models: Mapping[str, Model], purchases: Purchases
) -> None:
    for user in range(0, USERS, 97):
        items = inference.recommend(user, models[name])
        assert len(set(items)) == len(items) == 10
        assert not set(items) & set(purchases.history[user])


def test_a_new_user_gets_what_is_popular(models: Mapping[str, Model]) -> None:
    answer = ask(models["v2"], USERS + 1)
    assert answer == {"user": USERS + 1, "items": models["v2"]["popular"][:10], "model": "v2"}


def test_v3_raises_for_exactly_one_user_in_sixteen(models: Mapping[str, Model]) -> None:
    def raises(user: int) -> bool:
        try:
            ask(models["v3"], user)
        except inference.NoRecommendation:
            return True
        return False

    assert [user for user in range(160) if raises(user)] == list(range(5, 160, 16))


def test_an_error_names_the_release_that_failed(models: Mapping[str, Model]) -> None:
    with pytest.raises(inference.NoRecommendation) as error:
        ask(models["v3"], 5)
    assert RELEASE_IN_ERROR.findall(str(error.value)) == ["v3"]


def test_v3_answers_the_others_as_v2_does(models: Mapping[str, Model]) -> None:
    assert ask(models["v3"], 8)["items"] == ask(models["v2"], 8)["items"]


def test_v4_gives_the_answer_of_v2_later(models: Mapping[str, Model]) -> None:
    started = time.perf_counter()
    answer = ask(models["v4"], 15)
    assert time.perf_counter() - started >= 0.3
    assert answer["items"] == ask(models["v2"], 15)["items"]


def test_v4_is_slow_for_one_user_in_four_and_keeps_an_instance_usable() -> None:
    waits = train.PROFILE_LOOKUP_MS
    slow = [wait for wait in waits if wait]
    assert 4 * len(slow) == len(waits)
    assert min(slow) >= 300
    assert sum(waits) / len(waits) < 100


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-npy"])
def test_a_request_that_is_not_json_is_refused(content_type: str) -> None:
    with pytest.raises(ValueError, match="content type must be application/json, got"):
        inference.input_fn(b"17", content_type)


def test_a_charset_in_the_content_type_is_accepted() -> None:
    assert inference.input_fn(b'{"user": 17}', "application/json; charset=utf-8") == 17
