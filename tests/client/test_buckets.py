"""A share of users is a share of users: uniform, monotone, dealt anew by each salt."""

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from canary_construct_client import bucket_header, bucket_of, choose_variant
from hypothesis import given
from hypothesis import strategies as st

USERS = 1_000_000
BUCKETS = 10_000
FIVE_SIGMA = 5.0

ids = st.text(max_size=40)
salts = st.text(max_size=40)
shares = st.floats(0, 100)


@cache
def buckets(salt: str) -> npt.NDArray[np.int64]:
    return np.fromiter((bucket_of(f"user-{number}", salt) for number in range(USERS)), np.int64, USERS)


def sigmas_from_uniform(counts: npt.NDArray[np.int64]) -> float:
    """Pearson's chi-square against equal counts, in standard deviations of its own distribution from its mean.

    With these many degrees of freedom it is normal enough for a limit of five.
    """
    expected = counts.sum() / counts.size
    freedom = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


@pytest.mark.parametrize("salt", ["v2-7f3a", ""])
def test_a_million_users_fill_the_buckets_evenly(salt: str) -> None:
    counts = np.bincount(buckets(salt), minlength=BUCKETS)
    assert counts.size == BUCKETS
    assert abs(sigmas_from_uniform(counts)) < FIVE_SIGMA


@pytest.mark.parametrize("share", [0.01, 1, 5, 50])
def test_a_share_of_users_is_right_within_its_binomial_error(share: float) -> None:
    chosen = int((buckets("v2-7f3a") < share * 100).sum())
    p = share / 100
    assert abs(chosen - USERS * p) < FIVE_SIGMA * np.sqrt(USERS * p * (1 - p))


def test_two_salts_deal_a_million_users_independently() -> None:
    """The chi-square of the table of both salts, a hundred by a hundred."""
    first, second = buckets("v2-7f3a") // 100, buckets("v3-11c0") // 100
    table = np.bincount(first * 100 + second, minlength=10_000).reshape(100, 100).astype(float)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / USERS
    freedom = 99 * 99
    sigmas = (((table - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom)
    assert abs(sigmas) < FIVE_SIGMA


def test_users_with_similar_ids_are_neighbours_in_no_way() -> None:
    steps = np.diff(buckets("v2-7f3a")[:100_000])
    assert abs(np.corrcoef(steps[:-1] % 2, steps[1:] % 2)[0, 1]) < 0.02


@given(ids, salts)
def test_a_bucket_is_the_same_every_time_and_stands_in_the_header_with_four_digits(user_id: str, salt: str) -> None:
    bucket = bucket_of(user_id, salt)
    assert 0 <= bucket < BUCKETS
    assert bucket_of(user_id, salt) == bucket
    header = bucket_header(user_id, salt)
    assert len(header) == 4
    assert int(header) == bucket


@given(ids, salts)
def test_any_language_can_compute_the_bucket_from_its_description(user_id: str, salt: str) -> None:
    digest = hashlib.sha256(salt.encode() + b"\x00" + user_id.encode()).hexdigest()
    assert bucket_of(user_id, salt) == int(digest[:16], 16) % BUCKETS


@given(ids, salts, shares, shares)
def test_raising_the_share_only_adds_users(user_id: str, salt: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if choose_variant(user_id, low, salt) == "canary":
        assert choose_variant(user_id, high, salt) == "canary"


@given(ids, salts)
def test_nobody_is_in_a_share_of_nothing_and_everybody_in_the_whole(user_id: str, salt: str) -> None:
    assert choose_variant(user_id, 0, salt) == "stable"
    assert choose_variant(user_id, 100, salt) == "canary"


@given(st.integers(0, BUCKETS))
def test_a_share_in_hundredths_of_a_percent_takes_exactly_its_buckets(taken: int) -> None:
    """Also where the float is a little under it, as 0.29 * 100 is."""
    inside = [number for number in (0, taken - 1, taken, BUCKETS - 1) if 0 <= number < BUCKETS]
    for number in inside:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("canary_construct_client.buckets.bucket_of", lambda _user, _salt, number=number: number)
            assert (choose_variant("x", taken / 100, "salt") == "canary") is (number < taken)


@pytest.mark.parametrize("share", [-0.01, 100.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share_percent must be between 0 and 100, got"):
        choose_variant("user", share, "salt")


def test_a_user_id_that_is_no_valid_text_has_a_bucket_too() -> None:
    assert 0 <= bucket_of("\ud800", "salt") < BUCKETS
