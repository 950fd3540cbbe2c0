"""Counts what was shown and what converted, for each variant, as `Gate.conversion` reads it."""

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from canary_tools.client.embedded_metrics import Document, document
from canary_tools.client.publishing import print_documents

MINUTE, SECOND = 60, 1
"""The two storage resolutions of CloudWatch, in seconds."""

_log = logging.getLogger(__name__)


class Conversions:
    """Counts recommendations shown and conversions, and publishes them from time to time.

    `namespace`, `shown` and `converted` are those of `Gate.conversion`. A conversion counts for the variant and the
    moment *at which the recommendation was shown*: only then do the two counts of a period belong together however late
    users convert, and the gate, whose `delay` is the time that they are given, reads complete pairs.

    Counts are added up and handed to `publish` by the first call after `flush_seconds`, by `flush`, and at the end of a
    `with` block; what cannot be published is kept for the next time and logged. `storage_resolution` is 60, or 1 for an
    endpoint whose `metric_period` is under a minute. Safe to use from several threads.
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

        CloudWatch drops what is older than two weeks, and may hold back for hours what is older than three hours.
        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
        """
        self._count(self._converted, variant, shown_at)

    def flush(self) -> None:
        """Publish what was counted since the last time. Never raises."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._due = self._now() + self._flush_seconds
        if not counts:
            return
        try:
            self._publish(self._documents(counts))
        except Exception as error:  # noqa: BLE001 - an application must not fail because it cannot count
            _log.warning("conversions of endpoint %s are not published yet: %s", self._endpoint_name, error)
            with self._lock:
                self._counts.update(counts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def _count(self, metric: str, variant: str, at: float) -> None:
        moment = at - at % self._resolution
        with self._lock:
            self._counts[moment, variant, metric] += 1
            is_due = self._now() >= self._due
        if is_due:
            self.flush()

    def _documents(self, counts: Counter[tuple[float, str, str]]) -> list[Document]:
        """Return one document for each moment and variant."""
        together: defaultdict[tuple[float, str], dict[str, int]] = defaultdict(dict)
        for (moment, variant, metric), count in sorted(counts.items()):
            together[moment, variant][metric] = count
        return [
            document(
                namespace=self._namespace,
                dimensions={"EndpointName": self._endpoint_name, "VariantName": variant},
                counts=counted,
                at=moment,
                storage_resolution=self._resolution,
            )
            for (moment, variant), counted in together.items()
        ]
