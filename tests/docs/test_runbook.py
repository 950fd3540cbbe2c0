"""Everything that can happen to a person has a section in the runbook."""

import ast
import re
from pathlib import Path

import pytest
from rollout.contract import errors
from rollout.contract.notice import Happened

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
SECTIONS = {
    re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-"): text
    for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
"""What each section says, by its anchor as GitHub makes it."""
ERRORS = [
    name
    for name, error in vars(errors).items()
    if isinstance(error, type) and issubclass(error, errors.RolloutError) and error is not errors.RolloutError
]


def refusals() -> dict[str, str]:
    """Return the sentences with which a deploy is refused, by the name of their constant."""
    source = (
        (ROOT / "lambdas/rollout/sentences.py").read_text(encoding="utf-8").partition("# Why a deploy was refused")[2]
    )
    nodes = ast.parse(source).body
    found = {
        ast.unparse(node.targets[0]): str(ast.literal_eval(node.value))
        for node in nodes
        if isinstance(node, ast.Assign)
    }
    return {name: sentence for name, sentence in found.items() if "{" in sentence}


def seen_by_the_doctor() -> set[str]:
    """Return the sections that findings name."""
    text = "".join((ROOT / "canary_tools/cli" / name).read_text() for name in ("checks.py", "doctor.py"))
    return set(re.findall(r'see="([a-z-]+)"', text))


def test_there_are_events_errors_refusals_and_findings_to_look_for() -> None:
    assert len(Happened) == 9
    assert len(ERRORS) > 20
    assert len(refusals()) > 20
    assert len(seen_by_the_doctor()) > 8


@pytest.mark.parametrize("event", Happened)
def test_every_event_has_a_section(event: Happened) -> None:
    assert event.anchor in SECTIONS


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_section(error: str) -> None:
    assert error.lower() in SECTIONS


@pytest.mark.parametrize("name", refusals())
def test_every_refusal_is_quoted_where_a_person_looks_for_it(name: str) -> None:
    said = " ".join(refusals()[name].split())
    quoted = [quote for text in SECTIONS.values() for quote in re.findall(r'\*"(.+?)"\*', text)]
    assert [quote for quote in quoted if quote in said], said


@pytest.mark.parametrize("anchor", sorted(seen_by_the_doctor()))
def test_every_section_that_the_doctor_names_is_there(anchor: str) -> None:
    assert anchor in SECTIONS


@pytest.mark.parametrize("anchor", SECTIONS)
def test_every_section_says_what_to_do_and_when_it_is_over(anchor: str) -> None:
    assert "**Do** " in SECTIONS[anchor]
    assert "**Over** " in SECTIONS[anchor]
    assert len(SECTIONS[anchor].split()) < 130, "a section is short"
