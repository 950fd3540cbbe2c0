"""The Python of docs/cohorts-and-conversions.md works as it stands there."""

import ast
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

import canary_construct
from canary_tools import client

DOCUMENT = Path(__file__).parents[2] / "docs" / "cohorts-and-conversions.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_imports_public_names(snippet: str) -> None:
    public = {"canary_construct": canary_construct.__all__, "canary_tools.client": client.__all__}
    for node in ast.walk(ast.parse(snippet)):
        if isinstance(node, ast.ImportFrom) and node.module in public:
            assert {alias.name for alias in node.names} <= set(public[node.module])


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_runs(snippet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: None)
    scope: dict[str, Any] = {}
    exec(compile(snippet, DOCUMENT.name, "exec"), scope)  # noqa: S102 - the point of the test


def test_every_relative_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", DOCUMENT.read_text(encoding="utf-8")):
        assert (DOCUMENT.parent / target).exists(), target


def test_every_public_name_of_the_client_is_explained_or_has_a_docstring() -> None:
    assert all(getattr(client, name).__doc__ for name in client.__all__)
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [
        name for name in ("CohortRules", "Conversions", "MetricDataPublisher", "choose_variant") if name not in text
    ] == []
