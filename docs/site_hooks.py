"""What mkdocs does beside its plugins: the README is the front page, and links out of `docs/` become plain text."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

README = Path(__file__).parents[1] / "README.md"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make the README the front page. Its links are seen from the folder above the pages."""
    front_page = README.read_text(encoding="utf-8").replace("](docs/", "](")
    files.append(File.generated(config, "index.md", content=LINK.sub(_without_what_is_not_in_docs, front_page)))
    return files


def _without_what_is_not_in_docs(link: re.Match[str]) -> str:
    return link[0] if (README.parent / "docs" / link[2]).exists() else link[1]


def on_page_markdown(markdown: str, page: Page, **_kwargs: Any) -> str:
    """Take the links to what lies outside of the site away, such as those to the source of a module."""
    folder = posixpath.dirname(page.file.src_uri)

    def inside(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] if target.startswith("../") else link[0]

    return LINK.sub(inside, markdown)
