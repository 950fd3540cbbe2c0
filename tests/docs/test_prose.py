"""What people read keeps the house's rules of plain English; `make prose` checks the spelling as well."""

from pathlib import Path

import pytest

from docs.prose import LONGEST, PAGES, findings
from tests.docs.pages import name_of, text_of


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_is_written_in_plain_english(page: Path) -> None:
    assert [f"{name_of(page)}:{line}: {finding}" for line, finding in findings(text_of(page))] == []


@pytest.mark.parametrize(
    "text",
    [
        "For whoever has it.",
        "Please wait.",
        "It is done via an alarm.",
        "The behavior is the same.",
        "It waits for the the end.",
        " ".join(["word"] * (LONGEST + 1)) + ".",
    ],
)
def test_what_is_not_written_here_is_found(text: str) -> None:
    assert list(findings(text))


@pytest.mark.parametrize("text", ["`via please` is code.", "```python\nvia = 1\n```", "[x](https://x.org/via.very)"])
def test_code_and_addresses_are_no_prose(text: str) -> None:
    assert list(findings(text)) == []
