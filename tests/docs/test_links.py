"""Every relative link of every page leads to a file and a heading that are there, and every page can be found."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import FRONT, PAGES, ROOT, SITE, anchors, links, name_of, text_of


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for file, anchor in links(text_of(page)):
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(text_of(target))):
            found.append(f"{file}#{anchor}" if anchor else file)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert broken(page) == []


def test_a_link_to_nothing_and_one_to_a_heading_that_is_gone_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# There is this\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text("[a](gone.md) [b](other.md#gone) [c](other.md#there-is-this) [d](#gone) [e](https://x.org/y)")
    assert broken(page) == ["gone.md", "other.md#gone", "#gone"]


def test_the_site_s_navigation_names_every_page_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE)
    assert sorted(named) == sorted(["index.md", *(str(page.relative_to(ROOT / "docs")) for page in SITE)])


def test_the_readme_is_two_screens() -> None:
    text = text_of(FRONT)
    assert len(text.splitlines()) <= 100
    assert len(text) <= 6000
