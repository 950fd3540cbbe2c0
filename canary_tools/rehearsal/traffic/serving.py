"""How a model answers under load.

Up to `max_rps_per_instance` the load has no effect. Above it, `load` is the requests a second per instance divided by
that limit. The share 1 - 1/load of the requests fails, because the queue is full. The others take load⁴ times as
long, at most 16 times.
"""

from dataclasses import dataclass

from canary_tools.rehearsal.scenario import Behaviour
from canary_tools.rehearsal.traffic.latency import Shares, log_normal, share_above

_SLOWEST_LOAD = 2.0
"""From this load on a request takes no longer: 2⁴ is 16."""


@dataclass(frozen=True)
class Serving:
    """The chances that a request fails and that it is refused, and how long it takes if it is served.

    Its latency is log-normal: `p50` and `p99` are percentiles in ms without load, `slower` is the factor under load.
    """

    failing: float
    refusing: float
    p50: float
    p99: float
    slower: float

    @property
    def latency(self) -> Shares:
        """The share of each bin."""
        return log_normal(self.p50, self.p99, self.slower)

    @property
    def refusing_if_not_failing(self) -> float:
        """The chance that a request which does not fail is refused.

        >>> serve(Behaviour(error_rate=0.9, refused_rate=0.1), rps_per_instance=0, limit=None).refusing_if_not_failing
        1.0
        """
        return min(1.0, self.refusing / (1 - self.failing)) if self.refusing else 0.0

    def bad(self, slow_ms: float | None) -> float:
        """Return the chance that a request fails, is refused or takes longer than the limit; `None` is no limit.

        >>> serve(Behaviour(error_rate=0.1), rps_per_instance=0, limit=None).bad(None)
        0.1
        """
        slow = 0.0 if slow_ms is None else share_above(self.p50, self.p99, self.slower, slow_ms)
        unserved = self.failing + self.refusing
        return unserved + (1 - unserved) * slow


def serve(behaviour: Behaviour, *, rps_per_instance: float, limit: float | None) -> Serving:
    """Return how a model answers at this load.

    >>> round(serve(Behaviour(error_rate=0.0), rps_per_instance=120, limit=60).failing, 3)
    0.5
    """
    load = 0.0 if limit is None else rps_per_instance / limit
    if load <= 1:
        return Serving(behaviour.error_rate, behaviour.refused_rate, behaviour.p50, behaviour.p99, 1.0)
    slower = round(min(load, _SLOWEST_LOAD) ** 4, 2)
    failing = 1 - (1 - behaviour.error_rate) / load
    return Serving(failing, behaviour.refused_rate / load, behaviour.p50, behaviour.p99, slower)
