"""The page of sentences shows what the code says now."""

from pathlib import Path

import pytest

from tests.docs.sentences import page

pytestmark = pytest.mark.xdist_group("sentences")

PAGE = Path(__file__).parent / "sentences.md"


def test_the_page_shows_every_sentence_as_it_is_said() -> None:
    command = "python -m tests.docs.sentences > tests/docs/sentences.md"
    assert PAGE.read_text(encoding="utf-8") == page(), command
