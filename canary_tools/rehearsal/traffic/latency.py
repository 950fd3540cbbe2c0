"""Latencies of many requests, as counts in fixed bins."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

_RATIO = 1.07
_LOWEST_MS = 0.05
_BINS = 218
_NORMAL_99 = 2.3263478740408408

EDGES_MS: Shares = _LOWEST_MS * _RATIO ** np.arange(_BINS + 1, dtype=np.float64)
CENTRES_MS: Shares = np.sqrt(EDGES_MS[:-1] * EDGES_MS[1:])
"""The latency that each bin counts as, in milliseconds: from 0.05 ms to two minutes, in steps of 7 %."""


@cache
def log_normal(p50: float, p99: float, slower: float) -> Shares:
    """Return the share of each bin for a log-normal latency with these percentiles in ms.

    `slower`: the factor by which every latency is longer.

    >>> shares = log_normal(40.0, 180.0, 1.0)
    >>> bool(CENTRES_MS[int(np.searchsorted(np.cumsum(shares), 0.5))] < 42)
    True
    """
    spread = max(math.log(p99 / p50) / _NORMAL_99, 1e-3)
    positions = (np.log(EDGES_MS / slower) - math.log(p50)) / spread
    below = np.array([0.5 * math.erfc(-position / math.sqrt(2)) for position in positions])
    shares: Shares = np.diff(below)
    shares[0] += below[0]
    shares[-1] += 1 - below[-1]
    normed: Shares = shares / shares.sum()
    return normed


@cache
def share_above(p50: float, p99: float, slower: float, limit_ms: float) -> float:
    """Return the share of requests that take longer than a limit in milliseconds. The rest is as in `log_normal`."""
    return float(log_normal(p50, p99, slower)[limit_ms < CENTRES_MS].sum())


def percentile(counts: Counts, percent: float) -> float | None:
    """Return a percentile in milliseconds; `None` without requests."""
    total = int(counts.sum())
    if not total:
        return None
    rank = percent / 100 * (total - 1)
    return float(CENTRES_MS[int(np.searchsorted(np.cumsum(counts), rank, side="right"))])
