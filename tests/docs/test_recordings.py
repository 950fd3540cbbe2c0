"""The terminal recordings are of the format that they say, show what they claim, and stand on their pages."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from canary_construct import rollout_step
from tests.docs.pages import ROOT, blocks, text_of

FOLDER = ROOT / "docs/recordings"
MOST_BYTES = 60_000
COMMAND = "python -m tests.rollouts.recordings"
FORBIDDEN = re.compile(r"/(?:home|root|tmp|work|usr)/|AKIA|ASIA|(?i:secret|token)|\d{12}")
"""A path of the machine that recorded it, credentials, or the number of an account."""
SHOWS = {
    "promotion": ["v2 is in step 1 of 2 (50 %)", "v2 is in step 2 of 2 (100 %)", "v2 is promoted: every step passed"],
    "approval": [
        "v3 waits for approval of step 1", "$ canary approve --why 'the numbers are fine'", "step 1 is approved",
        "v3 is in step 2 of 2 (100 %)", "v3 is promoted: ",
    ],
    "rollback": [
        "v4 is in step 1 of 2 (50 %) at 50 %", "v4 loses its traffic: errors: canary ",
        "v4 is rolled back: errors: canary ",
    ],
}  # fmt: skip
"""What each shows, in this order; the last one at its end."""
OUTCOMES = {"v2": (0, "promoted"), "v3": (0, "promoted"), "v4": (1, "rolled back"), "v5": (3, "not judged")}


def recording(name: str) -> tuple[dict[str, Any], list[Any]]:
    """Return header and events. Source: https://docs.asciinema.org/manual/asciicast/v2/"""
    header, *events = map(json.loads, (FOLDER / f"{name}.cast").read_text(encoding="utf-8").splitlines())
    return header, events


def screens(name: str) -> list[str]:
    """Return what stands on each screen, without colours."""
    return [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text) for _, _, text in recording(name)[1]]


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_recording_is_claimed_to_show_something() -> None:
    assert {file.stem for file in FOLDER.glob("*.cast")} == set(SHOWS)


@pytest.mark.parametrize("name", SHOWS)
def test_it_is_a_recording_of_asciinema(name: str) -> None:
    header, events = recording(name)
    assert header["version"] == 2
    assert (header["width"], header["height"]) == (110, 36)
    moments = [at for at, _, _ in events]
    assert moments == sorted(moments)
    assert all(at >= 0 and kind == "o" and isinstance(text, str) for at, kind, text in events)
    assert all(screen.count("\n") < header["height"] for screen in screens(name)), "a screen scrolls"
    assert (FOLDER / f"{name}.cast").stat().st_size < MOST_BYTES


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_it_tells_nothing_of_the_machine_that_recorded_it(file: Path) -> None:
    assert FORBIDDEN.findall(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", SHOWS)
def test_it_shows_what_it_claims_in_this_order(name: str) -> None:
    shown = [words(screen) for screen in screens(name)]
    *before, last = SHOWS[name]
    at = 0
    for said in before:
        at = next((number for number in range(at, len(shown)) if said in shown[number]), len(shown))
        assert at < len(shown), f"{name} does not show: {said}"
    assert last in shown[-1]


@pytest.mark.parametrize("name", SHOWS)
def test_the_page_of_the_command_leads_to_it_and_says_how_it_was_made(name: str) -> None:
    page = text_of(ROOT / "docs/command.md")
    assert f"(recordings/{name}.cast)" in page
    assert COMMAND in page


def test_the_page_of_the_pipeline_shows_what_its_step_said() -> None:
    page, said = text_of(ROOT / "docs/pipeline.md"), (FOLDER / "pipeline.txt").read_text(encoding="utf-8")
    assert said in blocks(page, "text")
    assert COMMAND in page


@pytest.mark.parametrize("version", OUTCOMES)
def test_the_step_of_a_pipeline_was_green_only_for_a_promoted_release(version: str) -> None:
    status, outcome = OUTCOMES[version]
    (command,) = rollout_step("Rollout", stack_name="shop", version=version, region="us-east-1").commands
    said = (FOLDER / "pipeline.txt").read_text(encoding="utf-8")
    (answer,) = re.findall(rf"^\$ {re.escape(command)}\n(.*?)^\$ echo \$\?\n(\d+)$", said, re.MULTILINE | re.DOTALL)
    assert shlex.split(command)[0] == "canary"
    assert words(answer[0]).startswith(f"{version} is {outcome}: ")
    assert int(answer[1]) == status
