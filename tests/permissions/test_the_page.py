"""The page of permissions says what the code says, and does."""

from pathlib import Path

import pytest

from docs.permissions_table import page

pytestmark = pytest.mark.xdist_group("permissions")

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_the_page_says_what_handlers_may_do_and_what_they_use_of_it() -> None:
    command = "python -m docs.permissions_table > docs/permissions.md"
    assert PAGE.read_text(encoding="utf-8") == page(), command
