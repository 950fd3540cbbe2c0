"""The pages explain the client's public names; `tests/docs/test_snippets.py` runs what they show."""

from pathlib import Path

import canary_construct_client

DOCUMENT = Path(__file__).parents[2] / "docs/cohorts-and-conversions.md"


def test_every_public_name_of_the_client_is_explained_or_has_a_docstring() -> None:
    assert all(getattr(canary_construct_client, name).__doc__ for name in canary_construct_client.__all__)
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [
        name for name in ("CohortRules", "Conversions", "MetricDataPublisher", "choose_variant") if name not in text
    ] == []
