"""Counts of the past run through the code that runs in AWS."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from canary_tools.rehearsal import replay

GATES = {
    "alpha": 0.01,
    "mode": "robust",
    "gates": [
        {
            "name": "errors",
            "kind": "rare",
            "direction": "higher_is_worse",
            "ratio": 1.25,
            "min_difference": 0.0005,
            "weight": 1.0,
        }
    ],
}
HEADER = "trace,minute,step,gate,canary_total,canary_bad,stable_total,stable_bad"


def replayed(folder: Path, lines: list[str], capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    arguments = written(folder, json.dumps(GATES), "\n".join([HEADER, *lines]))
    assert replay.main([*arguments, *options]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def written(folder: Path, gates: str, counts: str) -> list[str]:
    (folder / "gates.json").write_text(gates)
    (folder / "counts.csv").write_text(counts)
    return ["--gates", str(folder / "gates.json"), "--counts", str(folder / "counts.csv")]


def day(trace: str, minutes: int, faulty_from: int, seed: int = 3) -> list[str]:
    """Return a trace at ten requests a second: 0.1 % errors, ten times that on the canary when faulty."""
    source = random.Random(seed)  # noqa: S311  # seeded counts
    lines = []
    for minute in range(minutes):
        rate = 0.01 if minute >= faulty_from else 0.001
        canary = sum(source.random() < rate for _ in range(60))
        stable = sum(source.random() < 0.001 for _ in range(540))
        lines.append(f"{trace},{minute},0,errors,60,{canary},540,{stable}")
    return lines


def test_a_healthy_day_passes_and_a_faulty_hour_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    healthy, faulty = replayed(tmp_path, day("healthy", 1440, 1440) + day("faulty", 1440, 1380, 4), capsys)
    assert (healthy["trace"], healthy["verdict"]) == ("healthy", "PASS")
    assert (faulty["trace"], faulty["verdict"], faulty["gate"]) == ("faulty", "FAIL", "errors")
    assert 1380 < faulty["minute"] < 1440
    assert set(faulty) == {"trace", "verdict", "minute", "gate", "log_evidence", "dispersion"}


def test_a_gate_may_ask_for_superiority(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = {"name": "shop", "kind": "share", "direction": "lower_is_worse", "ratio": 0.95, "superior_step": 0}
    equal = [f"equal,{minute},0,shop,3000,150,3000,150" for minute in range(240)]
    better = [f"better,{minute},0,shop,3000,180,3000,150" for minute in range(240)]
    arguments = written(tmp_path, json.dumps({"gates": [gate]}), "\n".join([HEADER, *equal, *better]))
    assert replay.main([*arguments, "--reasons"]) == 0
    first, second = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (first["verdict"], second["verdict"]) == ("CONTINUE", "PASS")
    assert "; the canary is better than stable, evidence beyond 1 in " in second["reason"]


def test_too_little_is_undecided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = replayed(tmp_path, ["a,0,0,errors,60,0,540,1"], capsys)
    assert (line["verdict"], line["minute"]) == ("CONTINUE", 0)


def test_the_sentence_comes_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = replayed(tmp_path, ["a,0,0,errors,60,0,540,1"], capsys, "--reasons")
    assert line["reason"].startswith("errors: canary 0 of 60 requests failed (0.00 %)")


def test_lines_in_any_order_and_minutes_without_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"a,{minute},0,errors,300,30,5700,6" for minute in (3, 1, 0, 2)] + ["a,4,0,errors,,,,"]
    (line,) = replayed(tmp_path, lines, capsys)
    assert line["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "holds no counts"),
        (["a,0,0,errors,60,0,540"], "line 2: 8 columns are needed"),
        (["a,x,0,errors,60,0,540,1"], "line 2: minute must be a whole number, got x"),
        (["a,-1,0,errors,60,0,540,1"], "line 2: minute must be between 0 and 1000000000000, got -1"),
        (["a,0,0,slow,60,0,540,1"], "line 2: unknown gate slow, known are errors"),
        (["a,0,0,errors,60,61,540,1"], "line 2: canary_bad must be at most canary_total, got 61 of 60"),
        (["a,0,0,errors,60,0.5,540,1"], "line 2: canary_bad must be a whole number of at least 0, got 0.5"),
        (["a,0,0,errors,60,nan,540,1"], "line 2: canary_bad must be finite, got nan"),
        (["a,0,0,errors,60,,540,1"], "line 2: canary_bad is missing"),
        (["a,0,0,errors,60,many,540,1"], "line 2: canary_bad must be a number, got many"),
        (["a,0,999999999,errors,60,0,540,1"], "line 2: step must be between 0 and 999, got 999999999"),
        ([f"a,0,0,errors,{'9' * 401},0,540,1"], "line 2: canary_total must be at most 1,000,000,000,000,000, got more"),
        (["a,0,0,errors,60,0,540,1,7"], "line 2: 8 columns are needed"),
        ([f"a,0,0,errors,{'9' * 200_000},0,540,1"], "field larger than field limit"),
        (["a,0,0,errors,60,0,540,1"] * 2, "line 3: minute 0 of gate errors comes twice"),
        (
            ["a,0,1,errors,60,0,540,1", "a,1,0,errors,60,0,540,1"],
            "trace a: minute 1 belongs to step 0, but step 1 has begun",
        ),
    ],
)
def test_a_bad_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[str], sentence: str
) -> None:
    assert replay.main(written(tmp_path, json.dumps(GATES), "\n".join([HEADER, *lines]))) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gates", "counts", "sentence"),
    [
        ("{", HEADER, "gates.json is not JSON"),
        ("[]", HEADER, "a configuration must be an object, got []"),
        (json.dumps({**GATES, "mode": "fast"}), HEADER, "mode must be one of robust, exact, got fast"),
        (
            json.dumps(GATES),
            "trace,minute",
            "missing or unknown: canary_bad, canary_total, gate, stable_bad, stable_total, step",
        ),
        (json.dumps(GATES), f"{HEADER},note", "missing or unknown: note"),
        (json.dumps(GATES), "", "the header must be trace,minute,step"),
    ],
)
def test_a_bad_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gates: str, counts: str, sentence: str
) -> None:
    assert replay.main(written(tmp_path, gates, counts)) == 2
    assert sentence in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none")
    assert replay.main(["--gates", missing, "--counts", missing]) == 2
    assert "none cannot be read" in capsys.readouterr().err


def test_it_runs_as_a_module_with_nothing_but_the_repository(tmp_path: Path) -> None:
    arguments = written(tmp_path, json.dumps(GATES), f"{HEADER}\na,0,0,errors,60,0,540,1")
    command = [sys.executable, "-m", "canary_tools.rehearsal.replay", *arguments]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)  # noqa: S603  # our own module
    assert json.loads(done.stdout)["verdict"] == "CONTINUE"
