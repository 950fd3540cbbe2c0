"""A stable place for every user: the same user and salt give the same bucket in every process and release.

The bucket is the first eight bytes, big-endian, of SHA-256 over the salt, a zero byte and the user ID (UTF-8), modulo
10,000, so that any language can compute it. The modulo of 64 bits favours a bucket by less than one part in 10^15.
"""

import hashlib
from typing import Literal

BUCKETS = 10_000
CANARY: Literal["canary"] = "canary"
STABLE: Literal["stable"] = "stable"

_HASH_BYTES = 8
_PERCENT = 100


def bucket_of(user_id: str, salt: str) -> int:
    """Return the user's bucket, 0 to 9,999. Another salt deals all users anew.

    >>> bucket_of("user-17", "rollout-1")
    1250
    """
    digest = hashlib.sha256(f"{salt}\0{user_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:_HASH_BYTES], "big") % BUCKETS


def bucket_header(user_id: str, salt: str) -> str:
    """Return the bucket as four digits, as the API compares it.

    >>> bucket_header("user-24", "rollout-1")
    '0044'
    """
    return f"{bucket_of(user_id, salt):04d}"


def choose_variant(user_id: str, share_percent: float, salt: str) -> Literal["canary", "stable"]:
    """Return the role that serves the user when `share_percent` of all users go to the canary.

    A larger share only adds users. The share is rounded to 0.01 %, as that of a cohort step is.

    Raises:
        ValueError: when `share_percent` is not between 0 and 100.
    """
    if not 0 <= share_percent <= _PERCENT:
        raise ValueError(f"share_percent must be between 0 and 100, got {share_percent}")
    return CANARY if bucket_of(user_id, salt) < round(share_percent * BUCKETS / _PERCENT) else STABLE
