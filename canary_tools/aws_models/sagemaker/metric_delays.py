"""How late metric points become visible."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from canary_tools.aws_models.sagemaker.metric_source import MetricSource

MetricDelay = Callable[[MetricSource], float]
"""Draws how many seconds after the end of a period the next point of a source becomes visible."""


@dataclass(frozen=True)
class DelayRange:
    """Delays in seconds, from the end of a period until a point is visible; each is as likely as any other."""

    least: float
    most: float

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise ValueError(f"a delay must be 0 s or more, and from least to most; got {self.least} to {self.most}")

    def draw(self, generator: Random) -> float:
        """Draw one delay."""
        return generator.uniform(self.least, self.most)


USUAL = DelayRange(30.0, 180.0)
"""AWS does not say how late the points of SageMaker's metrics are. This range is what users report: minutes."""


def around(usual_seconds: float) -> DelayRange:
    """Return a range that is to this usual delay what `USUAL` is to 90 seconds.

    >>> around(90.0)
    DelayRange(least=30.0, most=180.0)
    """
    return DelayRange(usual_seconds / 3, usual_seconds * 2)
