"""Replay counts through the gates that run in AWS: try gates on last month's metrics.

    python -m canary_tools.rehearsal.replay --gates GATES.json --counts COUNTS.csv

Prints one JSON line a trace. A trace fails at its first FAIL; without one it passes if its last step
passed early, in the minute given, and is undecided (CONTINUE) otherwise.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rollout.gates import Assessment, Counts, InvalidGatesError, InvalidMinutesError, Judge, Minute

COLUMNS = ("trace", "minute", "step", "gate", "canary_total", "canary_bad", "stable_total", "stable_bad")
LAST_STEP = 999


class UnreadableInputError(ValueError):
    """A file that cannot be replayed, with a sentence that says which line and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay the two files; return 0, or 2 after a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m canary_tools.rehearsal.replay", description=__doc__)
    parser.add_argument("--gates", type=Path, required=True, help="GATES.json: alpha, mode and gates")
    parser.add_argument("--counts", type=Path, required=True, help=f"COUNTS.csv with {','.join(COLUMNS)}")
    parser.add_argument("--reasons", action="store_true", help="add the sentence of each verdict")
    files = parser.parse_args(arguments)
    try:
        judge = read_judge(files.gates)
        traces = read_traces(files.counts, [gate.name for gate in judge.rules.gates])
        assessments = {trace: replay(judge, trace, minutes) for trace, minutes in traces.items()}
    except UnreadableInputError as error:
        print(f"replay: {error}", file=sys.stderr)  # noqa: T201  # what this command is for
        return 2
    for trace, assessment in assessments.items():
        line = _line(trace, assessment)
        print(json.dumps({**line, "reason": assessment.reason} if files.reasons else line))  # noqa: T201  # what this command is for
    return 0


def read_judge(path: Path) -> Judge:
    """Read GATES.json.

    Raises:
        UnreadableInputError: when it is no JSON or describes no gates.
    """
    try:
        return Judge.from_config(json.loads(read_text(path)))
    except json.JSONDecodeError as error:
        raise UnreadableInputError(f"{path} is not JSON: {error}") from None
    except InvalidGatesError as error:
        raise UnreadableInputError(f"{path}: {error}") from None


def read_traces(path: Path, gates: Sequence[str]) -> dict[str, list[Minute]]:
    """Read COUNTS.csv into final minutes per trace, both in the order of the file.

    An empty count means that there is no data for that gate and minute.

    Raises:
        UnreadableInputError: when a line is incomplete, contradicts another, or names no known gate.
    """
    rows = csv.DictReader(read_text(path).splitlines())
    traces: dict[str, _Trace] = {}
    try:
        _check_header(rows.fieldnames or ())
        for row in rows:
            traces.setdefault(row["trace"], _Trace()).add(row, gates)
    except (ValueError, csv.Error) as error:
        raise UnreadableInputError(f"{path} line {rows.line_num}: {error}") from None
    if not traces:
        raise UnreadableInputError(f"{path} holds no counts")
    return {name: trace.minutes() for name, trace in traces.items()}


def _check_header(columns: Sequence[str]) -> None:
    wrong = sorted(set(columns) ^ set(COLUMNS))
    if wrong:
        raise ValueError(f"the header must be {','.join(COLUMNS)}; missing or unknown: {', '.join(wrong)}")


def replay(judge: Judge, trace: str, minutes: Iterable[Minute]) -> Assessment:
    """Judge one trace: a FAIL ends it, and looking once or every minute makes no difference.

    Raises:
        UnreadableInputError: when a step comes back that was over.
    """
    try:
        _, assessment = judge.update(judge.new_state(), minutes)
    except InvalidMinutesError as error:
        raise UnreadableInputError(f"trace {trace}: {error}") from None
    return assessment


def _line(trace: str, assessment: Assessment) -> dict[str, Any]:
    """Return what is printed: of the gate that failed, or else of the one with the most evidence."""
    gates = [gate for gate in assessment.gates if assessment.gate in {None, gate.name}]
    gate = max(gates, key=lambda gate: gate.log_evidence)
    return {
        "trace": trace,
        "verdict": str(assessment.verdict),
        "minute": assessment.minute,
        "gate": gate.name,
        "log_evidence": round(gate.log_evidence, 4),
        "dispersion": round(gate.dispersion, 4),
    }


class _Trace:
    """The lines of one trace, gathered into minutes."""

    def __init__(self) -> None:
        self.steps: dict[int, int] = {}
        self.counts: dict[int, dict[str, Mapping[str, object] | None]] = {}

    def add(self, row: Mapping[str, str], gates: Sequence[str]) -> None:
        if set(row) != set(COLUMNS) or None in row.values():
            raise ValueError(f"{len(COLUMNS)} columns are needed")
        minute, step, gate = _whole(row, "minute"), _whole(row, "step", most=LAST_STEP), row["gate"]
        if gate not in gates:
            raise ValueError(f"unknown gate {gate}, known are {', '.join(gates)}")
        if self.steps.setdefault(minute, step) != step:
            raise ValueError(f"minute {minute} belongs to step {self.steps[minute]} and to step {step}")
        seen = self.counts.setdefault(minute, {})
        if gate in seen:
            raise ValueError(f"minute {minute} of gate {gate} comes twice")
        seen[gate] = _counts(row)

    def minutes(self) -> list[Minute]:
        return [Minute(number, self.steps[number], counts) for number, counts in self.counts.items()]


def _counts(row: Mapping[str, str]) -> Mapping[str, object] | None:
    """Return the counts of a line, None if it has none. Impossible ones are refused: the file is at fault."""
    texts = {column: row[column].strip() for column in COLUMNS[4:]}
    if not any(texts.values()):
        return None
    values = {column: _number(column, text) for column, text in texts.items()}
    Counts.parse(values)
    return values


def _number(column: str, text: str) -> float | int | None:
    if not text:
        return None
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise ValueError(f"{column} must be a number, got {text}") from None


def _whole(row: Mapping[str, str], column: str, most: int = 10**12) -> int:
    text = row[column].strip()
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{column} must be a whole number, got {text or 'nothing'}") from None
    if not 0 <= number <= most:
        raise ValueError(f"{column} must be between 0 and {most}, got {text[:20]}")
    return number


def read_text(path: Path) -> str:
    """Return what a file holds.

    Raises:
        UnreadableInputError: when it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInputError(f"{path} cannot be read: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
