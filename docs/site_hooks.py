"""What mkdocs does beside its plugins: the README is the front page, and links out of `docs/` become plain text."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

README = Path(__file__).parents[1] / "README.md"
OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\((?:\.\./)+[^)]*\)")
"""A link to a file that is no page of the site, such as the source of a module."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make the README the front page, with its links as seen from `docs/`."""
    front_page = README.read_text(encoding="utf-8").replace("](docs/", "](")
    front_page = re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|[a-z/-]+\.md|pictures/|#)[^)]*\)", r"\1", front_page)
    files.append(File.generated(config, "index.md", content=front_page))
    return files


def on_page_markdown(markdown: str, **_kwargs: Any) -> str:
    """Take links to what lies outside of the site away."""
    return OUTSIDE.sub(_inside, markdown)


def _inside(link: re.Match[str]) -> str:
    return link[1]
