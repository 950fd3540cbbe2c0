"""The report is of use to a machine and names nobody."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_tools.acceptance.account import anonymous
from canary_tools.acceptance.assumptions import ASSUMPTIONS
from canary_tools.acceptance.program import ACTS
from canary_tools.acceptance.questions import Answer, Verdict, not_asked
from canary_tools.acceptance.report import Report
from canary_tools.acceptance.walk import Seen
from canary_tools.sandbox.emulator.answers import answered

NUMBER = "210987654321"


def report(**other: Any) -> Report:
    walk = [Seen(act=act, right=True, sentence=f"arn:aws:states:eu-west-1:{NUMBER}:x", seconds=3.2) for act in ACTS]
    usual: dict[str, Any] = {
        "account": SimpleNamespace(number=NUMBER, region="eu-west-1", is_local=False),
        "asked_at": datetime(2026, 11, 28, 23, 30, tzinfo=UTC),
        "seconds": 90.0,
        "instance_type": "ml.m5.large",
        "walk": walk,
        "answers": [not_asked(row, "why not") for row in ASSUMPTIONS],
        "left": [],
    }
    return Report(**{**usual, **other})


def test_the_json_names_no_account(tmp_path: Path) -> None:
    left = [f"s3://cdk-assets-{NUMBER}-eu-west-1/x", "https://ab12.execute-api.eu-west-1.amazonaws.com/live"]
    text = report(left=left).write(tmp_path).read_text(encoding="utf-8")
    assert NUMBER not in text
    assert "amazonaws.com" not in text
    assert "<account>" in text


@given(st.from_regex(r"\A\d{12}\Z"), st.sampled_from(["{}", "arn:aws:iam::{}:role/x", "cdk-{}-eu", "({})", "a {}."]))
def test_no_account_number_survives(number: str, around: str) -> None:
    assert number not in anonymous(around.format(number))


def test_no_principal_survives() -> None:
    text = (
        f"User: arn:aws:sts::{NUMBER}:assumed-role/Admin/ada@example.org is not authorized to perform: iam:CreateRole"
    )
    assert anonymous(text) == "User: <principal> is not authorized to perform: iam:CreateRole"


def test_what_is_no_account_number_stays() -> None:
    text = "rollout v2-1 took 12.5 s at 1764358000123; see 20261128-192043"
    assert anonymous(text) == text


def test_the_file_says_day_place_and_kind(tmp_path: Path) -> None:
    assert report().write(tmp_path).name == "2026-11-28-live-eu-west-1.json"


def test_the_local_aws_can_read_its_settings() -> None:
    values = {"threshold_statistics": True, "metric_delay_seconds": 171.5, "cloudformation_notices_failed_update": True}
    answers = [
        Answer(assumption=row, verdict=Verdict.OTHERWISE, sentence="so", value=values[row.setting])
        if row.setting in values
        else not_asked(row, "why not")
        for row in ASSUMPTIONS
    ]
    written = json.loads(json.dumps(report(answers=answers).to_json()))["local_aws"]
    assert written == values
    settings = answered(written)
    assert (settings.undocumented.threshold_statistics, settings.metric_delay_seconds) == (True, 171.5)


def test_words_that_nobody_expected_are_no_setting() -> None:
    (row,) = [row for row in ASSUMPTIONS if row.setting == "scaling_collision"]
    answer = Answer(assumption=row, verdict=Verdict.OTHERWISE, sentence="so", value="refused in other words")
    assert report(answers=[answer]).to_json()["local_aws"] == {}


@pytest.mark.parametrize(
    ("other", "right"),
    [({}, True), ({"left": ["a model"]}, False), ({"walk": [Seen(act=ACTS[0], right=None, sentence="")]}, False)],
)
def test_only_a_whole_walk_that_leaves_nothing_is_right(other: dict[str, Any], right: object) -> None:
    assert report(**other).right is right
