"""How late a scenario lets metrics come: one delay, a range of delays, or one or the other for each release."""

from dataclasses import dataclass

from canary_tools.aws_models.sagemaker.metric_delays import DelayRange
from canary_tools.rehearsal.json_input.json_object import Reader

YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, kw_only=True)
class MetricDelays:
    """From the end of a metric period until its points are visible, for the two releases."""

    stable: DelayRange
    canary: DelayRange

    def of(self, who: str) -> DelayRange:
        """Return the delays of `canary` or of stable."""
        return self.canary if who == "canary" else self.stable

    def __str__(self) -> str:
        if self.stable == self.canary:
            return f"{_written(self.stable)} s late"
        return f"{_written(self.stable)} s late for stable and {_written(self.canary)} s late for the new release"


def same_for_both(least: float, most: float) -> MetricDelays:
    """Return delays between two numbers of seconds, for both releases."""
    both = DelayRange(least, most)
    return MetricDelays(stable=both, canary=both)


def read_metric_delays(metrics: Reader, default: MetricDelays) -> MetricDelays:
    """Read `delay_s`: a number, a pair of numbers between which each delay is drawn, or one of both for each release.

    Raises:
        RehearsalError: a delay is none of these, or outside its limits.
    """
    if not metrics.has("delay_s"):
        return default
    if not metrics.is_object("delay_s"):
        return same_for_both(*_range(metrics, "delay_s"))
    each = metrics.section("delay_s")
    delays = MetricDelays(
        stable=DelayRange(*_range(each, "stable")),
        canary=DelayRange(*_range(each, "canary")),
    )
    each.refuse_unknown_keys()
    return delays


def _range(reader: Reader, key: str) -> tuple[float, float]:
    return reader.number_or_range(key, least=0, most=YEAR_SECONDS)


def _written(delay: DelayRange) -> str:
    return f"{delay.least:g}" if delay.least == delay.most else f"{delay.least:g} to {delay.most:g}"
