"""The cohort that is published now, read from the ledger and kept for a few seconds."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from canary_construct_client.buckets import bucket_header
from canary_construct_client.cohort import Cohort, UserRule, is_user

RECORD = "cohort"
TIMEOUT_SECONDS = 1
"""For connecting and for the answer: a request of a user may wait for this read."""

_log = logging.getLogger(__name__)
_deserialize = TypeDeserializer().deserialize


class CohortRules:
    """Tells which requests to an endpoint the canary answers, by the rule that the rollout published.

    Whatever goes wrong means stable: no record, no permission, no answer, a rule that cannot be read. It is logged as a
    warning when it begins. A rule is used for at most `cache_seconds` and the time of one read; no thread but the one
    that reads waits for the read. Needs `dynamodb:GetItem` on the table. Safe to use from several threads.
    """

    def __init__(
        self,
        table_name: str,
        endpoint_name: str,
        *,
        cache_seconds: float = 5.0,
        client: Any = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = {
            "TableName": table_name,
            "Key": {"endpoint": {"S": endpoint_name}, "record": {"S": RECORD}},
            "ConsistentRead": True,
        }
        self._endpoint_name = endpoint_name
        self._cache_seconds = cache_seconds
        self._client = client
        self._now = now
        self._reading = threading.Lock()
        self._cohort: Cohort | None = None
        self._good_until = float("-inf")
        self._failing = False

    def target_variant(self, *, user_id: str | None = None, headers: Mapping[str, str] | None = None) -> str | None:
        """Return the `TargetVariant` for a request of the cohort; `None` for all others, whom the weights route.

        Never raises.
        """
        cohort = self._current()
        return None if cohort is None else cohort.target_variant(user_id=user_id, headers=headers)

    def headers(self, user_id: str | None) -> dict[str, str]:
        """Return the header that a request through the API carries for its user: the bucket.

        None without a rule, and none without a user: stable answers those. Never raises.
        """
        cohort = self._current()
        if cohort is None or not isinstance(cohort.rule, UserRule) or not is_user(user_id):
            return {}
        return {cohort.rule.header: bucket_header(user_id, cohort.rule.salt)}

    def _current(self) -> Cohort | None:
        if self._now() >= self._good_until and self._reading.acquire(blocking=False):
            try:
                self._cohort = self._read()
                self._good_until = self._now() + self._cache_seconds
            finally:
                self._reading.release()
        return self._cohort

    def _read(self) -> Cohort | None:
        try:
            item = self._dynamodb().get_item(**self._request).get("Item", {})
            cohort = Cohort.parse(_deserialize(item["cohort"])) if "cohort" in item else None
        except Exception as error:  # noqa: BLE001 - an application must not fail because a rule cannot be read
            if not self._failing:
                _log.warning("all users of endpoint %s are served by stable: %s", self._endpoint_name, error)
            self._failing = True
            return None
        self._failing = False
        return cohort

    def _dynamodb(self) -> Any:
        if self._client is None:
            config = Config(
                connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS, retries={"total_max_attempts": 1}
            )
            self._client = boto3.client("dynamodb", config=config)
        return self._client
