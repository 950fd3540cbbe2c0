"""The Python of docs/cohorts-and-conversions.md and of the client's README works as it stands there."""

import ast
import re
from pathlib import Path
from typing import Any

import boto3
import canary_construct_client
import pytest

import canary_construct

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "cohorts-and-conversions.md"
DOCUMENTS = (DOCUMENT, ROOT / "client" / "README.md")
FENCE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SNIPPETS = [snippet for document in DOCUMENTS for snippet in FENCE.findall(document.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_imports_public_names(snippet: str) -> None:
    public = {"canary_construct": canary_construct.__all__, "canary_construct_client": canary_construct_client.__all__}
    for node in ast.walk(ast.parse(snippet)):
        if isinstance(node, ast.ImportFrom) and node.module in public:
            assert {alias.name for alias in node.names} <= set(public[node.module])


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_runs(snippet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: None)
    scope: dict[str, Any] = {}
    exec(compile(snippet, DOCUMENT.name, "exec"), scope)  # noqa: S102 - the point of the test


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_public_name_of_the_client_is_explained_or_has_a_docstring() -> None:
    assert all(getattr(canary_construct_client, name).__doc__ for name in canary_construct_client.__all__)
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [
        name for name in ("CohortRules", "Conversions", "MetricDataPublisher", "choose_variant") if name not in text
    ] == []
