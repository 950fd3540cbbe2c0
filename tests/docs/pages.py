"""The pages that people read, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]
FRONT = ROOT / "README.md"
SITE = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    FRONT,
    *SITE,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "client/README.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:)<?([^)\s>]+)>?\)")
_INLINE_CODE = re.compile(r"`[^`\n]+`")


def name_of(page: Path) -> str:
    """Return the path of a page as people write it."""
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    """Return the fenced blocks of these languages."""
    return [body for _, language, body in _FENCE.findall(text) if language in languages]


def indented_commands(text: str) -> list[str]:
    r"""Return the commands that stand indented between paragraphs.

    >>> indented_commands("To repeat it:\n\n    python -m x\n    python -m y\n\ntakes a minute.")
    ['    python -m x\n    python -m y\n']
    """
    return re.findall(r"(?<=\n\n)(?: {4}(?:canary|cdk|make|pip|python) .*\n)+", text)


def prose(text: str) -> str:
    """Return a text without its fenced blocks."""
    return _FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them.

    >>> sorted(anchors("# A page: one, two"))
    ['a-page-one-two']
    >>> sorted(anchors("# The `canary` command\\n## [See](x.md) it"))
    ['see-it', 'the-canary-command']
    """
    headings = re.findall(r"^#{1,6} (.+)$", prose(text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}


def links(text: str) -> Iterator[tuple[str, str]]:
    """Yield the file and the anchor of each relative link; the file is empty for a link within the page."""
    for target in _LINK.findall(_INLINE_CODE.sub("", prose(text))):
        file, _, anchor = unquote(target).partition("#")
        yield file, anchor
