"""A metric store for one thread, in which reading is fast."""

from collections import Counter

from canary_tools.aws_models.cloudwatch.metric_store import MetricKey, MetricStore


class MetricHistory(MetricStore):
    """A store that gives its readers the stored values instead of copies. Readers must not change them."""

    def periods(self, key: MetricKey, *, start: float, end: float, period: int) -> dict[float, Counter[float]]:
        """Return the values of each period in `[start, end)` that has data, by the start of the period."""
        metric = self._metrics.get(key)
        if metric is None:
            return {}
        moments = metric.moments_between(start - start % period, end)
        if any(moment % period for moment in moments):
            return super().periods(key, start=start, end=end, period=period)
        return {moment: metric.values[moment] for moment in moments}
