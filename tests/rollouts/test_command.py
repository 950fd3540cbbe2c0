"""The `canary` command, in a process of its own, with the credentials of a role that may operate the endpoint."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest

from examples.recommender.demo.rollouts import Rollout
from tests.rollouts.declaring import UNTIL_ENDED_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import PATIENCE_SECONDS, eventually

LONG_BAKE_SECONDS = UNTIL_ENDED_SECONDS - 60
"""A deploy needs a difference to the one before."""
PROMOTED, ROLLED_BACK, CANNOT_ACT, NOT_JUDGED, NOTHING = 0, 1, 2, 3, 4


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a role of the stack, at a terminal."""

    shop: DeployedShop
    role: str

    def canary(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(  # noqa: S603 - our own command
            self.command(words), env=self.environment(), capture_output=True, text=True, check=False,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Begin the command, and do not wait."""
        return subprocess.Popen(  # noqa: S603 - our own command
            self.command(words), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def json(self, *words: str) -> Any:
        """Return what the command prints as JSON."""
        done = self.canary(*words, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def command(self, words: tuple[str, ...]) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "canary_tools.cli", "--stack", self.shop.name, *words]

    def environment(self) -> dict[str, str]:
        """Return the variables with the credentials of that role, and without `PATH`."""
        (role,) = self.shop.resources("AWS::IAM::Role", construct_id=self.role)
        arn = self.shop.stage.client("iam").get_role(RoleName=role)["Role"]["Arn"]
        given = self.shop.stage.client("sts").assume_role(RoleArn=arn, RoleSessionName="ann")["Credentials"]
        return {
            **self.shop.stage.sandbox.environment(),
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
            "COLUMNS": "200",
        }


@pytest.mark.long
def test_a_person_sees_a_rollout_stops_it_and_waits_for_the_next_one(shop: DeployedShop) -> None:
    # Given a stack with an operator, at rest
    shop.deploy(Declaration(version="v1", operated=True))
    ann, stranger = Person(shop=shop, role="Operator"), Person(shop=shop, role="Stranger")
    seen = ann.json("status")
    assert seen["summary"] == "v1 serves all the traffic, and no rollout runs"
    assert ann.canary("abort").returncode == NOTHING
    assert ann.canary("wait", "v1").returncode == PROMOTED
    in_the_way = [each for each in ann.json("doctor") if each["state"] == "blocks"]
    assert in_the_way == []

    # When a release is on trial, then the operator sees its share, its gates and what is left
    shop.deploy(Declaration(version="v2", operated=True, steps=(50, 100), first_bake_seconds=UNTIL_ENDED_SECONDS))
    shop.rollout_reaches("v2", 50)
    seen = ann.json("status")
    slots = {slot["name"]: (slot["role"], slot["version"], slot["weight_percent"]) for slot in seen["slots"]}
    assert slots == {A: ("stable", "v1", 50.0), B: ("canary", "v2", 50.0)}
    assert seen["rollout"]["step"]["title"] == "50 %"
    assert 0 < seen["rollout"]["step"]["at_most_seconds"] <= UNTIL_ENDED_SECONDS + 300
    gates = eventually(lambda: ann.json("status")["rollout"]["gates"], what="what the gates say")
    assert [gate["name"] for gate in gates][:1] == ["errors"]
    watching, waiting = ann.begin("watch", "--json", "--every", "1"), ann.begin("wait", "v2", "--every", "1")

    # And whoever has no permission sees and stops nothing
    for words in (
        ["status"],
        ["watch"],
        ["wait", "v2"],
        ["history"],
        ["abort"],
        ["doctor"],
        ["promote", "--yes"],
        ["rollback", "--yes"],
    ):
        refused = stranger.canary(*words)
        assert (refused.returncode, refused.stdout) == (CANNOT_ACT, ""), words
        assert "grant_operate" in refused.stderr, refused.stderr
    assert shop.look().weights == {A: 50, B: 50}

    # When the operator aborts, then the traffic is back, and the ledger says who did it and why
    aborted_at = time.time()
    aborting = ann.canary("abort", "--reason", "wrong model")
    assert aborting.returncode == 0, aborting.stderr
    assert shop.look().weights == {A: 100, B: 0}
    shop.measured["seconds of canary abort"] = time.time() - aborted_at
    rollout = shop.rollout_ends("v2")
    assert "wrong model" in rollout.reason
    assert "ann" in rollout.reason
    lines = [json.loads(line) for line in watching.communicate(timeout=PATIENCE_SECONDS)[0].splitlines()]
    _, refusal = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert (watching.returncode, waiting.returncode) == (NOT_JUDGED, NOT_JUDGED), refusal
    assert [line["rollout"]["outcome"] for line in (lines[0], lines[-1])] == ["RUNNING", "NOT_JUDGED"]
    shop.comes_to_rest(stable=A)

    # When the same release is deployed again, then she skips its long bake, and a pipeline waits for its promotion
    shop.deploy(Declaration(version="v2", operated=True, steps=(50, 100), first_bake_seconds=LONG_BAKE_SECONDS))
    eventually(lambda: _is_watched(shop.rollout("v2")), what="a share for v2")
    assert ann.canary("promote", "--why", "seen enough", "--yes").returncode == 0
    assert ann.canary("wait", "v2", "--every", "1").returncode == PROMOTED
    assert "ann: seen enough" in shop.rollout_ends("v2").reason
    shop.comes_to_rest(stable=B)
    outcomes = [(each["version"], each["outcome"]) for each in ann.json("history")]
    assert outcomes == [("v2", "NOT_JUDGED"), ("v2", "PROMOTED")]

    # When she goes back, then the former release has all the traffic, and the one that is left is rejected
    back = ann.json("rollback", "--why", "it is slow", "--yes")
    assert shop.look().weights == {A: 100, B: 0}
    shop.measured["seconds of canary rollback to weight zero"] = back["seconds"]
    assert shop.rollout_ends("v1").reason == "v1 serves again instead of v2: rolled back by ann: it is slow"
    shop.comes_to_rest(stable=A)
    assert ann.canary("wait", "v2").returncode == ROLLED_BACK
    eventually(lambda: ann.json("status")["held_by"] == "", what="a free lock")


def _is_watched(rollout: Rollout | None) -> bool:
    """Tell whether the last rollout runs and has a share. The one before of the same release has ended."""
    return rollout is not None and rollout.running and bool(rollout.steps)
