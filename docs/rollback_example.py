"""Print a true record and a true event of a rollback: `python -m docs.rollback_example TEMPLATE`.

A release that fails 2 % of its requests is rehearsed under the plan of the template. What is printed stands on
`docs/what-a-rollback-tells-you.md`.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rollout.contract.notice import Happened

from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

SCENARIO = {
    "seed": 7,
    "traffic": {"rps": 40},
    "stable": {"error_rate": 0.001, "latency_ms": {"p50": 40, "p99": 180}},
    "canary": {"error_rate": 0.02},
    "capacity": {"launch_s": 60, "max_rps_per_instance": 60},
}


def example(declared: DeclaredEndpoint) -> str:
    """Return the ledger's record and the last event as they stand on the page."""
    rehearsed = rehearse(declared, parse_scenario(SCENARIO))
    (event,) = [seen for seen in rehearsed.aws.bus.seen if seen.detail_type == Happened.ROLLED_BACK.detail_type]
    told = {"source": event.source, "detail-type": event.detail_type, "detail": event.detail}
    return f"{_block(rehearsed.record)}\n{_block(told)}"


def _block(content: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(content, indent=2, ensure_ascii=False, default=_plain)}\n```\n"


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} is no value of a record")


if __name__ == "__main__":
    sys.stdout.write(example(find_endpoint(Path(sys.argv[1]), None)))
