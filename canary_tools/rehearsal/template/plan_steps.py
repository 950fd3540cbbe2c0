"""The steps of a plan, as the template has them: a share of all requests by weight, or a cohort beside the weights."""

from collections.abc import Mapping
from typing import Any

Step = Mapping[str, Any]


def expected_percent(step: Step) -> float:
    """Return the share of all requests that is expected to reach the new release in this step, in percent.

    >>> expected_percent({"percent": 10}), expected_percent({"percent": 0, "expected_percent": 2.5, "cohort": {}})
    (10, 2.5)
    """
    share: float = step.get("expected_percent", step["percent"])
    return share


def title(step: Step) -> str:
    """Return what people call a step.

    >>> title({"percent": 10}), title({"percent": 0, "expected_percent": 5, "cohort": {"kind": "users"}})
    ('10 %', 'a cohort of 5 %')
    """
    return f"{step['percent']} %" if step.get("cohort") is None else f"a cohort of {expected_percent(step):g} %"
