"""The page about a rollback shows what a rehearsal writes into the ledger and onto the event bus."""

import re
from pathlib import Path

from canary_tools.rehearsal.template import DeclaredEndpoint
from docs.rollback_example import example

PAGE = Path(__file__).parents[2] / "docs/what-a-rollback-tells-you.md"
DIGEST = re.compile(r'"digest": "\w+"')
"""Of the archive that the test packs, which is another one in each run."""


def test_the_record_and_the_event_are_those_of_a_rehearsal(declared: DeclaredEndpoint) -> None:
    page = DIGEST.sub("", PAGE.read_text(encoding="utf-8"))
    record, event = DIGEST.sub("", example(declared)).split("\n\n")
    command = "python -m docs.rollback_example build/minutes/Recommender.template.json"
    assert record.strip() in page, command
    assert event.strip() in page, command
