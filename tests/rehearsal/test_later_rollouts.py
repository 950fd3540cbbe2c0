"""A deploy that waits for the end of the rehearsed rollout starts one of its own, which is another story."""

from tests.rehearsal.conftest import Rehearse


def test_a_later_rollout_neither_spoils_the_end_nor_counts(rehearsing: Rehearse) -> None:
    alone = rehearsing(controls=[{"at_s": 60, "do": "stop-execution"}]).result
    both = rehearsing(controls=[{"at_s": 60, "do": "stop-execution"}, {"at_s": 60, "do": "deploy"}]).result
    assert [each["status"] for each in both["final"]["executions"]] == ["ABORTED", "SUCCEEDED"]
    assert both["outcome"] == "NOT_JUDGED"
    assert both["safe_end"], both["unsafe"]
    assert both["canary_requests"] <= 2 * alone["canary_requests"] + 100
    assert both["cost_usd"] < 2 * alone["cost_usd"]
