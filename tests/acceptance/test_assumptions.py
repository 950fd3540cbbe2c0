"""The table of assumptions: every row can be asked or says why not, and names modules that exist."""

import re
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest

from canary_tools.acceptance.assumptions import ASSUMPTIONS, asked_at
from canary_tools.acceptance.program import ACTS
from canary_tools.acceptance.questions import Assumption, Moment
from canary_tools.aws_models.undocumented import Undocumented, positions_of
from canary_tools.sandbox.emulator.settings import SandboxSettings

ROOT = Path(__file__).parents[2]


def path_of(module: str) -> Path:
    folder = ROOT / "lambdas" if module.startswith("rollout") else ROOT
    return folder.joinpath(*module.split("."))


@pytest.mark.parametrize("row", ASSUMPTIONS, ids=lambda row: row.key)
def test_a_row_names_modules_that_exist(row: Assumption) -> None:
    assert row.relied_on_by
    assert [
        name
        for name in row.relied_on_by
        if not path_of(name).is_dir() and not path_of(name).with_suffix(".py").is_file()
    ] == []


@pytest.mark.parametrize("row", ASSUMPTIONS, ids=lambda row: row.key)
def test_a_row_is_asked_or_says_why_not(row: Assumption) -> None:
    assert (row.probe is None) == bool(row.unasked)
    assert row.claim
    assert row.expected


def test_keys_name_one_row_each() -> None:
    keys = [row.key for row in ASSUMPTIONS]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z_]+", key) for key in keys)


def test_every_setting_is_one_of_the_local_aws() -> None:
    known = {field.name for field in (*fields(SandboxSettings), *fields(Undocumented))}
    assert {row.setting for row in ASSUMPTIONS if row.setting} <= known


@pytest.mark.parametrize("switch", fields(Undocumented), ids=lambda switch: switch.name)
def test_every_switch_is_asked_for_and_every_position_of_it_may_be_answered(switch: Field[Any]) -> None:
    (row,) = [row for row in ASSUMPTIONS if row.setting == switch.name]
    assert row.probe is not None
    assert [position for position in positions_of(switch.default) if not row.as_expected(position)] == []


def test_every_question_is_asked_at_some_act() -> None:
    asked = {row.key for act in ACTS if act.then_ask is not None for row in asked_at(act.then_ask)}
    assert asked == {row.key for row in ASSUMPTIONS}
    assert {act.then_ask for act in ACTS} - {None} == set(Moment)
