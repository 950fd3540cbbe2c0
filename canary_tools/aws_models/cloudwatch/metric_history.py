"""The metrics of a rehearsal: the sandbox's store, read far more often than written."""

from bisect import bisect_left
from collections import Counter

from canary_tools.aws_models.cloudwatch.metric_store import MetricKey, MetricStore


class MetricHistory(MetricStore):
    """A store whose readers get the values themselves instead of a copy of them; they only read."""

    def periods(self, key: MetricKey, *, start: float, end: float, period: int) -> dict[float, Counter[float]]:
        """Return the values of each period that has data, by its start: those in `[start, end)`."""
        metric = self._metrics.get(key)
        if metric is None:
            return {}
        first = bisect_left(metric.moments, start - start % period)
        moments = metric.moments[first : bisect_left(metric.moments, end)]
        if any(moment % period for moment in moments):
            return super().periods(key, start=start, end=end, period=period)
        return {moment: metric.values[moment] for moment in moments}
