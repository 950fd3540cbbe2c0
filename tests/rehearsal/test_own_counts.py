"""Counts of one's own: what the page of them shows is what its commands print."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from canary_tools.rehearsal import recorded
from canary_tools.rehearsal.scenario import parse_scenario
from tests.rehearsal.conftest import ROOT

PAGE = ROOT / "docs/own-counts.md"
COMMAND = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
LOG = """\
10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023
10.0.0.2 - - [17/May/2015:10:05:43 +0000] "GET /b HTTP/1.1" 500 -
10.0.0.1 - - [17/May/2015:10:06:01 +0000] "GET /c HTTP/1.1" 404 12
"""
COUNTS = """\
trace,minute,step,gate,canary_total,canary_bad,stable_total,stable_bad
"two weeks",23863325,0,"errors",10,1,90,2
"""


@pytest.fixture
def folder(tmp_path: Path, template: Path) -> Path:
    """A checkout of this repository in which the template is synthesised, with the reader's own files."""
    for name in ("docs", "bench"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "cdk.out").symlink_to(template.parent)
    (tmp_path / "access.log").write_text(LOG)
    (tmp_path / "counts.csv").write_text(COUNTS)
    return tmp_path


def run(command: str, folder: Path) -> str:
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    ran = subprocess.run(  # noqa: S603 - the commands are those of this repository's page
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ran.stdout


def test_every_command_of_the_page_prints_what_the_page_shows(folder: Path) -> None:
    commands = COMMAND.findall(PAGE.read_text(encoding="utf-8"))
    printed = {command: run(command, folder) for command, _ in commands}
    assert printed == dict(commands)


def test_the_sum_of_both_variants_is_a_series(folder: Path) -> None:
    first, second, *_ = [command for command, _ in COMMAND.findall(PAGE.read_text(encoding="utf-8"))]
    run(first, folder)
    assert (folder / "series.csv").read_text() == "minute,requests,bad\n23863325,100,3\n"
    run(second, folder)
    assert (folder / "series.csv").read_text() == "minute,requests,bad\n0,2,1\n1,1,0\n"


def written(folder: Path, *lines: str) -> str:
    path = folder / "series.csv"
    path.write_text("\n".join(["minute,requests,bad", *lines]))
    return str(path)


def test_what_is_divided_stays_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series = written(tmp_path, "0,1000,100", "1,0,0", "7,500,500")
    assert recorded.main(["counts", "--series", series, "--draws", "50", "--share", "30"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["minute"] for row in rows[:3]] == ["0", "1", "7"]
    assert {int(row["canary_total"]) + int(row["stable_total"]) for row in rows} == {1000, 0, 500}
    assert {int(row["canary_bad"]) + int(row["stable_bad"]) for row in rows} == {100, 0, 500}
    drawn = [int(row["canary_bad"]) for row in rows if row["minute"] == "0"]
    assert sum(drawn) / 50 == pytest.approx(30, abs=3)
    assert len(set(drawn)) > 1


def test_a_worse_canary_fails_a_part_of_what_was_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series = written(tmp_path, "0,100000,10000")
    assert recorded.main(["counts", "--series", series, "--share", "50", "--fails", "10"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert int(row["canary_bad"]) / int(row["canary_total"]) == pytest.approx(0.1 + 0.9 * 0.1, abs=0.01)
    assert int(row["stable_bad"]) / int(row["stable_total"]) == pytest.approx(0.1, abs=0.01)


def test_a_scenario_has_the_bad_minutes_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series = written(tmp_path, "10,600,6", "11,600,60", "13,600,6")
    assert recorded.main(["scenario", "--series", series]) == 0
    content = json.loads(capsys.readouterr().out)
    scenario = parse_scenario(content)
    assert scenario.traffic.rps == 7.5
    assert scenario.stable.error_rate == scenario.canary.error_rate == 0.01
    assert [(change.at_s, change.for_s, change.who, dict(change.values)) for change in scenario.changes] == [
        (60, 60, "both", {"error_rate": 0.1})
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0,1,2", "bad must be at most requests"),
        ("0,-1,-1", "bad must be at most requests"),
        ("0,x,1", "invalid literal"),
        ("0,1", "line 2"),
        ("0,0,0", "holds no requests"),
        ("3,1,0\n3,1,0", "line 3: the minutes must rise"),
    ],
)
def test_a_series_that_cannot_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    assert recorded.main(["counts", "--series", written(tmp_path, line)]) == 2
    assert sentence in capsys.readouterr().err
