"""What `canary status`, `history` and `watch` show."""

import json
from pathlib import Path

import pytest
from rollout.contract.timing import CRASH_REPETITIONS, OUTAGE_REPETITIONS, ROLLBACK_REPETITIONS

from tests.cli.fake import Terminal
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.window import only


def test_at_rest_it_says_which_release_serves(terminal: Terminal) -> None:
    seen = terminal.json("status")
    assert seen["schema"] == 1
    assert seen["summary"] == "v1 serves all the traffic, and no rollout runs"
    assert [(slot["name"], slot["role"], slot["version"], slot["weight_percent"]) for slot in seen["slots"]] == [
        (A, "stable", "v1", 100.0),
        (B, "idle", "v1", 0.0),
    ]
    assert (seen["rollout"], seen["held_by"]) == (None, "")
    assert {alarm["name"]: alarm["state"] for alarm in seen["alarms"]} == {
        "a-errors": "OK", "b-errors": "OK", "business": "OK",
    }  # fmt: skip


def test_in_a_step_it_shows_share_evidence_and_what_is_left(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate", index=1)
    shop.serve()
    execution.advance()

    seen = terminal.json("status")

    rollout, step = seen["rollout"], seen["rollout"]["step"]
    assert (rollout["version"], rollout["outcome"], rollout["execution"]) == ("v2", "RUNNING", execution.name)
    assert (step["number"], step["of"], step["title"], step["share_percent"]) == (2, 3, "50 %", 50)
    assert step["bake_seconds"] == 120
    assert step["baked_seconds"] == 60 * execution.step["seen"]
    assert 0 < step["at_most_seconds"] <= 420
    by_role = {slot["role"]: slot for slot in seen["slots"]}
    assert (by_role["canary"]["version"], by_role["canary"]["weight_percent"]) == ("v2", 50)
    assert by_role["canary"]["observed_percent"] == 50
    (gate,) = rollout["gates"]
    assert (gate["name"], gate["rolls_back_at"]) == ("errors", 100.0)
    assert 0 <= gate["filled"] < 1
    assert seen["summary"].startswith("v2 is in step 2 of 3 (50 %) at 50 %")


@pytest.mark.parametrize("failed_tries", [OUTAGE_REPETITIONS + CRASH_REPETITIONS, ROLLBACK_REPETITIONS])
def test_a_task_that_an_outage_repeats_is_where_the_rollout_is(
    shop: Shop, terminal: Terminal, failed_tries: int
) -> None:
    shop.begin("v2", "Evaluate", index=1)
    terminal.operated.failed_tries = failed_tries
    view = terminal.json("status")
    assert view["summary"] == "v2 is in step 2 of 3 (50 %) at 50 %: Evaluate"
    (lock,) = (each for each in terminal.json("doctor") if each["check"] == "lock")
    assert lock["sentence"].startswith("rollout v2-1 holds the lock since ")


def test_people_read_the_same(shop: Shop, terminal: Terminal) -> None:
    shop.begin("v2", "Evaluate", index=1)
    result = terminal.canary("status")
    assert result.exit_code == 0
    for said in ("shop (stack shop, us-east-1)", "variant-a", "stable", "canary", "step 2 of 3", "a-errors"):
        assert said in result.stdout


def test_metrics_that_have_not_come_are_not_zero(terminal: Terminal) -> None:
    seen = terminal.json("status")
    assert [slot["observed_percent"] for slot in seen["slots"]] == [None, None]
    assert "none yet" in terminal.canary("status").stdout


def test_while_a_deploy_holds_the_lock_it_says_so(shop: Shop, terminal: Terminal) -> None:
    shop.deploy("v2")
    seen = terminal.json("status")
    assert seen["held_by"].startswith("deployment ")
    assert seen["summary"] == (
        "a deploy holds the lock of the endpoint; a rollout may follow when the stack has settled"
    )


def test_history_has_how_each_rollout_ended_and_why(shop: Shop, terminal: Terminal) -> None:
    assert terminal.canary("history").stdout.strip() == "there was no rollout yet"
    shop.promote("v2")
    execution = shop.begin("v3", "Evaluate")
    execution.fail_with("GateFailed", "errors: worse")
    shop.run(execution)

    first, second = terminal.json("history")
    assert (first["version"], first["outcome"], first["reason"]) == ("v2", "PROMOTED", "every step passed")
    assert [step["percent"] for step in first["steps"]] == [10, 50, 100]
    assert (second["version"], second["outcome"], second["reason"]) == ("v3", "ROLLED_BACK", "errors: worse")
    assert len(terminal.json("history", "--last", "1")) == 1
    people = terminal.canary("history").stdout
    assert people.index("v3") < people.index("v2")
    assert "10 → 50 → 100" in people


def test_watch_writes_a_line_a_look_until_the_rollout_has_ended(shop: Shop, terminal: Terminal) -> None:
    execution = shop.begin("v2", "Evaluate", index=2)
    terminal.operated.aws.interrupt("DescribeEndpoint", lambda: shop.run(execution), nth=2)

    result = terminal.canary("watch", "--json")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[0]["rollout"]["outcome"] == "RUNNING"
    assert lines[-1]["rollout"]["outcome"] == "PROMOTED"
    assert len(lines) >= 2


def test_watch_without_a_rollout_looks_once(terminal: Terminal) -> None:
    result = terminal.canary("watch")
    assert result.exit_code == 4
    assert "no rollout runs" in result.stdout


def test_watch_keeps_a_page_in_a_file(shop: Shop, terminal: Terminal, tmp_path: Path) -> None:
    page = tmp_path / "rollout.html"
    execution = shop.begin("v2", "Evaluate", index=0)
    terminal.operated.later(15, lambda: shop.run(execution))
    assert terminal.canary("watch", "--html", str(page)).exit_code == 0
    assert "v2 serves all the traffic" in page.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["rollout.html"]


def test_a_page_that_cannot_be_written_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    result = terminal.canary("watch", "--html", str(tmp_path / "not" / "there.html"))
    assert "cannot be written: No such file or directory" in result.stderr


def test_a_rollout_that_waits_for_a_window_says_which(shop: Shop, terminal: Terminal) -> None:
    shop.plan |= {"windows": [only(4, 20, 3)], "windows_seconds": 24 * 3600}
    execution = shop.begin("v2", "ScaleCanary", index=0)
    execution.advance()
    assert terminal.json("status")["summary"] == (
        "v2 waits for a window: nothing is raised outside the window; the next window opens at 2027-01-15T20:00:00.000Z"
    )
    assert {each["check"]: each["state"] for each in terminal.json("doctor")}["windows"] == "look"
