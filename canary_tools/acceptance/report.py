"""What a run found: tables for people, and JSON without account numbers and host names."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from canary_tools.acceptance.account import Account, anonymous
from canary_tools.acceptance.questions import Answer, Verdict
from canary_tools.acceptance.walk import Seen

_COLOURS = {Verdict.AS_EXPECTED: "green", Verdict.OTHERWISE: "yellow", Verdict.NOT_ASKED: "dim"}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a run found. `left`: what could not be removed."""

    account: Account
    asked_at: datetime
    seconds: float
    instance_type: str
    walk: Sequence[Seen]
    answers: Sequence[Answer]
    left: Sequence[str]

    @property
    def right(self) -> bool:
        """Whether all acts went as expected and nothing is left; answers that differ are what a run is for."""
        return all(seen.right for seen in self.walk) and not self.left

    def to_json(self) -> dict[str, Any]:
        """Return what is written; `local_aws` has settings of the local AWS by their names."""
        content = {
            "aws": "local" if self.account.is_local else "live",
            "region": self.account.region,
            "asked_at": self.asked_at.date().isoformat(),
            "minutes": round(self.seconds / 60, 1),
            "library": _library_version(),
            "instance_type": self.instance_type,
            "walk": [_act(seen) for seen in self.walk],
            "assumptions": [_answer(answer) for answer in self.answers],
            "local_aws": settings_of(self.answers),
            "left": list(self.left),
        }
        cleaned: dict[str, Any] = json.loads(anonymous(json.dumps(content)))
        return cleaned

    def write(self, folder: Path) -> Path:
        """Write the JSON, named after the day, the region and whether it is the local AWS; return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        content = self.to_json()
        path = folder / f"{content['asked_at']}-{content['aws']}-{content['region']}.json"
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def print(self, console: Console) -> None:
        """Print the two tables, and what could not be removed."""
        console.print(_walk_table(self.walk), _answer_table(self.answers))
        for name in self.left:
            console.print(f"[red]could not be removed:[/] {name}", highlight=False)


def settings_of(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return what the local AWS takes over, by the name of its setting or switch."""
    return {answer.assumption.setting: answer.value for answer in answers if _can_be_taken_over(answer)}


def _can_be_taken_over(answer: Answer) -> bool:
    """Tell whether an answer was given that the setting can have: words that nobody expected are no position."""
    unknown_words = isinstance(answer.value, str) and answer.verdict is Verdict.OTHERWISE
    return bool(answer.assumption.setting) and answer.verdict is not Verdict.NOT_ASKED and not unknown_words


def _act(seen: Seen) -> dict[str, Any]:
    return {
        "act": seen.act.name,
        "expected": seen.act.expected,
        "right": seen.right,
        "seen": seen.sentence,
        "seconds": round(seen.seconds),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    row = answer.assumption
    return {
        "key": row.key,
        "assumption": row.claim,
        "relied_on_by": list(row.relied_on_by),
        "expected": row.expected,
        "aws_said": answer.sentence,
        "value": answer.value,
        "verdict": answer.verdict.name,
        "setting": row.setting or None,
    }


def _walk_table(walk: Sequence[Seen]) -> Table:
    table = Table("act", "expected", "seen", "seconds", title="The walk", title_justify="left")
    for seen in walk:
        colour = {True: "green", False: "red", None: "dim"}[seen.right]
        table.add_row(seen.act.name, seen.act.expected, seen.sentence, f"{seen.seconds:.0f}", style=colour)
    return table


def _answer_table(answers: Sequence[Answer]) -> Table:
    table = Table("assumption", "expected", "AWS said", title="What is taken for granted", title_justify="left")
    for answer in answers:
        said = answer.sentence if answer.verdict is not Verdict.NOT_ASKED else f"not asked: {answer.sentence}"
        table.add_row(answer.assumption.claim, answer.assumption.expected, said, style=_COLOURS[answer.verdict])
    return table


def _library_version() -> str:
    try:
        return version("canary-construct")
    except PackageNotFoundError:  # a checkout that is not installed
        return "unreleased"
