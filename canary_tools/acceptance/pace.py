"""How patient the command is with an AWS."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Times in seconds.

    Attributes:
        metric_period: of the endpoint; 10, 30 or 60.
        other_metric_period: of the last release, so that metrics are seen at two periods.
        look_again: between two looks at the endpoint.
        read_metrics_again: between two readings of the metrics.
        update: an endpoint takes longer for nothing that ends well.
        deploy: the same, of a whole `cdk deploy`.
        rollout: the same, of a rollout.
        settle: until everything of the past minutes has been published.
        whole: the walk begins nothing that may take it beyond this.
    """

    metric_period: int
    other_metric_period: int
    look_again: float
    read_metrics_again: float
    update: float
    deploy: float
    rollout: float
    settle: float
    whole: float
    requests_per_second: float = 8.0


LIVE = Pace(
    metric_period=60,
    other_metric_period=10,
    look_again=2.0,
    read_metrics_again=5.0,
    update=1800.0,
    deploy=3000.0,
    rollout=2700.0,
    settle=240.0,
    whole=7200.0,
)
LOCAL = Pace(
    metric_period=10,
    other_metric_period=30,
    look_again=0.2,
    read_metrics_again=1.0,
    update=120.0,
    deploy=300.0,
    rollout=300.0,
    settle=15.0,
    whole=3600.0,
)
