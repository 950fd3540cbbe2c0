import json
from collections.abc import Callable

from canary_tools.rehearsal.record.rehearsed import Rehearsed

Rehearse = Callable[..., Rehearsed]
FAULTS = [{"at_s": 0, "for_s": 900, "call": "dynamodb:GetItem", "error": "ThrottlingException", "probability": 0.2}]


def run(rehearsing: Rehearse, seed: int) -> Rehearsed:
    return rehearsing(seed=seed, canary={"error_rate": 0.2}, faults=FAULTS, traffic={"rps": 40, "burst": 2.0})


def test_the_same_seed_gives_the_same_bytes(rehearsing: Rehearse) -> None:
    first, second = run(rehearsing, 3), run(rehearsing, 3)
    assert json.dumps(first.result) == json.dumps(second.result)
    assert first.observation.happenings == second.observation.happenings


def test_another_seed_gives_other_arrivals(rehearsing: Rehearse) -> None:
    assert run(rehearsing, 3).result["stable_requests"] != run(rehearsing, 4).result["stable_requests"]
