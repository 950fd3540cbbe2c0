"""The scenarios to which faults are added: some end in a promotion, some in a rollback."""

from collections.abc import Mapping
from typing import Any

from rollout.contract.names import SLOT_A, SLOT_B

from bench.chaos.calls import SET_FLOOR

Fragment = Mapping[str, Any]

QUIET: Fragment = {
    "seed": 7,
    "traffic": {"rps": 40},
    "canary": {"error_rate": 0.001},
    "metrics": {"delay_s": 60},
    "capacity": {"launch_s": 60},
    "changes": [],
    "faults": [],
    "controls": [],
}
FAILING: Fragment = {**QUIET, "changes": [{"at_s": 20, "who": "canary", "set": {"error_rate": 0.3}}]}
"""The new release passes its smoke test, and then fails 30 % of the requests."""
FAILING_AT_ALL: Fragment = {**QUIET, "changes": [{"at_s": 690, "who": "canary", "set": {"error_rate": 0.6}}]}
"""The new release begins to fail when it has all the traffic: an alarm ends the rollout while stable serves nobody."""
FAILING_AT_ALL_OF_PACED: Fragment = {
    **QUIET,
    "changes": [{"at_s": 2400, "who": "canary", "set": {"error_rate": 0.6}}],
}
"""The same for a paced plan, which comes to all the traffic later."""
FAILING_LATER: Fragment = {
    **QUIET,
    "seed": 8,
    "changes": [{"at_s": 330, "who": "canary", "set": {"error_rate": 0.1}}],
}
"""A paced share is raised before the new release begins to fail, and lowered after that."""


def _refused(seconds: int) -> Fragment:
    refusal = {"at_s": 100, "for_s": seconds, "call": SET_FLOOR, "error": "ThrottlingException"}
    return {**FAILING, "faults": [refusal]}


FAILING_AND_REFUSED = _refused(1100)
"""The rollback needs longer than one invocation may last."""
FAILING_AND_REFUSED_LONGER = _refused(1600)
"""The same for a paced plan, whose small share fails for longer before it is rolled back."""
BUSY_AT_FIRST: Fragment = {
    **QUIET,
    "controls": [{"at_s": 0, "do": "set-weights", "weights": {SLOT_A: 100, SLOT_B: 0}}],
}
"""The endpoint is `Updating` when the rollout begins: somebody set the weights that it already had."""


def merged(base: Fragment, added: Fragment) -> dict[str, Any]:
    """Return the scenario with the fragment added: lists are joined, sections are merged, values are replaced.

    >>> merged({"faults": [1], "metrics": {"delay_s": 60}}, {"faults": [2], "metrics": {"missing": []}})
    {'faults': [1, 2], 'metrics': {'delay_s': 60, 'missing': []}}
    """
    result = dict(base)
    for name, value in added.items():
        before = result.get(name)
        if isinstance(value, list):
            result[name] = [*(before or []), *value]
        elif isinstance(value, dict):
            result[name] = {**(before or {}), **value}
        else:
            result[name] = value
    return result
