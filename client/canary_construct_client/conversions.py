"""Counts what was shown and what converted, for each variant, as `Gate.conversion` reads it."""

import logging
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from canary_construct_client.embedded_metrics import Document, document
from canary_construct_client.publishing import METRICS_A_REQUEST, print_documents

MINUTE, SECOND = 60, 1
"""The two storage resolutions of CloudWatch, in seconds."""
OLDEST_SECONDS, NEWEST_SECONDS = 14 * 86_400 - 3_600, 60
"""How long ago, and how far ahead, a moment may be. CloudWatch refuses what is two weeks old; an hour is left for the
way there. Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"""
DOCUMENTS_A_BATCH = METRICS_A_REQUEST // 2
"""Published in one go, and kept together when that fails; two metrics each, so that one PutMetricData takes them."""

_VARIANT = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}")
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html"""

_Key = tuple[float, str]

_log = logging.getLogger(__name__)


class Conversions:
    """Counts recommendations shown and conversions, and publishes them from time to time.

    `namespace`, `shown` and `converted` are those of `Gate.conversion`. A conversion counts for the variant and the
    moment *at which the recommendation was shown*: only then do the two counts of a period belong together however late
    users convert, and the gate, whose `delay` is the time that they are given, reads complete pairs.

    Counts are added up and handed to `publish` by the first call after `flush_seconds`, by `flush`, and at the end of a
    `with` block. While one thread publishes, no other that counts waits for it. What cannot be published is logged and
    kept for the next time; a batch whose answer was lost on the way may so count twice. `storage_resolution` is 60, or
    1 for an endpoint whose `metric_period` is under a minute. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        endpoint_name: str,
        namespace: str,
        shown: str = "Shown",
        converted: str = "Converted",
        storage_resolution: int = MINUTE,
        flush_seconds: float = 10.0,
        publish: Callable[[Sequence[Document]], None] = print_documents,
        now: Callable[[], float] = time.time,
    ) -> None:
        if storage_resolution not in {SECOND, MINUTE}:
            raise ValueError(f"storage_resolution must be {SECOND} or {MINUTE} s, got {storage_resolution}")
        if shown == converted:
            raise ValueError(f"shown and converted must be different metrics, got {shown} twice")
        self._endpoint_name = endpoint_name
        self._namespace = namespace
        self._shown = shown
        self._converted = converted
        self._resolution = storage_resolution
        self._flush_seconds = flush_seconds
        self._publish = publish
        self._now = now
        self._lock = threading.Lock()
        self._publishing = threading.RLock()  # a signal's handler may flush in the middle of a flush
        self._counts: Counter[tuple[float, str, str]] = Counter()
        self._due = now() + flush_seconds

    def record_shown(self, variant: str) -> float:
        """Count one recommendation that this variant gave and a user saw.

        Returns the moment (seconds since the epoch), which the application keeps with the variant until the user acts:
        in the session, or in the link.
        """
        shown_at = self._now()
        self._count(self._shown, variant, shown_at)
        return shown_at

    def record_conversion(self, variant: str, *, shown_at: float) -> None:
        """Count the conversion of one recommendation: at most once each, with what `record_shown` was given and said.

        What cannot be is logged and not counted: what is no variant's name, a moment to come, or one of two weeks ago
        and more. For each of them CloudWatch refuses a whole request. It may hold back for hours what is older than
        three hours.
        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
        """
        self._count(self._converted, variant, shown_at)

    def flush(self) -> None:
        """Publish what was counted since the last time. Never raises."""
        with self._publishing:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._due = self._now() + self._flush_seconds
        documents = self._documents(counts)
        while documents:
            batch = documents[:DOCUMENTS_A_BATCH]
            try:
                self._publish([document for _, document in batch])
            except Exception as error:  # noqa: BLE001 - an application must not fail because it cannot count
                _log.warning("conversions of endpoint %s are not published yet: %s", self._endpoint_name, error)
                self._keep(counts, {key for key, _ in documents})
                return
            documents = documents[DOCUMENTS_A_BATCH:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def _count(self, metric: str, variant: str, at: float) -> None:
        if not (isinstance(variant, str) and _VARIANT.fullmatch(variant) and self._can_be_published(at)):
            _log.warning("%s of variant %r at %r is not counted for %s", metric, variant, at, self._endpoint_name)
            return
        moment = at - at % self._resolution
        with self._lock:
            self._counts[moment, variant, metric] += 1
            is_due = self._now() >= self._due
        if is_due and self._publishing.acquire(blocking=False):
            try:
                self._flush()
            finally:
                self._publishing.release()

    def _can_be_published(self, at: float) -> bool:
        """Tell whether CloudWatch takes this moment; not a number is none."""
        return -OLDEST_SECONDS < at - self._now() < NEWEST_SECONDS

    def _keep(self, counts: Counter[tuple[float, str, str]], unpublished: set[_Key]) -> None:
        with self._lock:
            self._counts.update({key: count for key, count in counts.items() if key[:2] in unpublished})

    def _documents(self, counts: Counter[tuple[float, str, str]]) -> list[tuple[_Key, Document]]:
        """Return one document for each moment and variant that can still be published."""
        together: defaultdict[_Key, dict[str, int]] = defaultdict(dict)
        for (moment, variant, metric), count in sorted(counts.items()):
            if self._can_be_published(moment):
                together[moment, variant][metric] = count
        return [(key, self._document(*key, counted)) for key, counted in together.items()]

    def _document(self, moment: float, variant: str, counted: dict[str, int]) -> Document:
        return document(
            namespace=self._namespace,
            dimensions={"EndpointName": self._endpoint_name, "VariantName": variant},
            counts=counted,
            at=moment,
            storage_resolution=self._resolution,
        )
