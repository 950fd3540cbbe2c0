"""The page about pacing shows what the decisions do now."""

from pathlib import Path

from tests.docs.pacing_tables import tables

PAGE = Path(__file__).parents[2] / "docs/pacing.md"


def test_the_tables_of_the_page_are_what_the_plan_expects() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in tables():
        assert table in page, "python -m tests.docs.pacing_tables"
