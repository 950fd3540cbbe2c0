"""Check the plain English of everything that people read: `python -m docs.prose`.

The house's own rules are here; with `--proselint` that linter reads the same prose. `make prose` does all of it.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "client/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
    *sorted(ROOT.glob("S*.md")),
    ROOT / "tests/docs/sentences.md",
]
INSTEAD = {
    r"whoever": "who, or those who",
    r"for good": "for ever",
    r"at last": "then, or in the end",
    r"so it is when": "the same holds when",
    r"utili[sz]e[sd]?": "use",
    r"leverag(?:e[sd]?|ing)": "use",
    r"in order to": "to",
    r"(?:easily|simply|obviously|of course|please|basically|seamless(?:ly)?)": "nothing",
    r"(?:e\.g|i\.e|etc)\.": "for example, that is, and so on",
    r"and/or": "or",
    r"via": "through, or by",
    r"very": "a number, or nothing",
    r"(?:hence|thus|whilst|thereof|respectively)": "the usual word",
    r"(?:behavior|color|canceled|analyz\w+|optimiz\w+|organiz\w+|recogniz\w+|serializ\w+|synthesiz\w+|summariz\w+)": (
        "the British spelling, as everywhere here"
    ),
}
"""What is not written here, and what is written instead; the house's style is plain English in British spelling."""
DOUBLED = re.compile(r"\b([a-z]{2,}) \1\b", re.IGNORECASE)
MAY_BE_DOUBLED = {"config", "had", "that"}
"""A name may follow its own kind: endpoint config config-3."""
OTHERS_WORDS = ("Please retry using a different ML instance type",)
"""What AWS says, and is quoted."""
LONGEST = 60
"""Words of a sentence outside of tables."""
LEFT_OUT = {
    "lexical_illusions": False,
    "typography.diacritical_marks": False,
    "typography.symbols.curly_quotes": False,
    "typography.punctuation.spacing": False,
}
"""Of proselint: repetitions are looked for here, line by line, since a heading and its text may begin with the same
words; "resume" is a command; quotation marks are straight, as people type them; removed code leaves spaces."""
_FENCE = re.compile(r"^( *)```\w*\n.*?^\1```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"``[^`]+``|`[^`\n]+`")
_TARGET = re.compile(r"\]\([^)\n]*\)|https?://\S+")


def plain(text: str) -> str:
    """Return the prose of a page: code is one word, addresses are gone, and every line stays where it is.

    >>> plain("Run `x y` [here](https://x.org/a).")
    'Run X here.'
    """
    for words in OTHERS_WORDS:
        text = text.replace(words, "")
    text = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
    text = re.sub(r"^ {4,}(?![-*\d]).*$", "", text, flags=re.MULTILINE)
    return _TARGET.sub("", _CODE.sub("X", text)).replace("[", "").replace("]", "")


def findings(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield the line and what is to be written otherwise there.

    >>> list(findings("It is is done.\nFor whoever."))
    [(1, "'is is' is written twice"), (2, "'whoever': write who, or those who")]
    """
    for number, line in enumerate(plain(text).splitlines(), 1):
        for doubled in DOUBLED.finditer(line):
            if doubled[1].lower() not in MAY_BE_DOUBLED:
                yield number, f"'{doubled[0]}' is written twice"
        for phrase, instead in INSTEAD.items():
            for found in re.finditer(rf"(?<![\w-]){phrase}(?![\w-])", line, re.IGNORECASE):
                yield number, f"'{found[0]}': write {instead}"
    yield from _long_sentences(plain(text))


def _long_sentences(text: str) -> Iterator[tuple[int, str]]:
    number = 1
    for paragraph in re.split(r"(\n(?:\s*\n|(?=\s*(?:[-*>]|\d+\.|#) )))", text):
        if not re.match(r"\s*\|", paragraph):
            for sentence in re.split(r"(?<=[.!?:;])\s", paragraph):
                words = len(re.findall(r"\w[\w'-]*", sentence))
                if words > LONGEST:
                    yield number, f"a sentence of {words} words, at most {LONGEST}: {' '.join(sentence.split())[:50]}…"
        number += paragraph.count("\n")


def proselint_findings(text: str) -> Iterator[tuple[int, str]]:
    """Yield what proselint finds in a page; that is installed for `make prose` only."""
    from proselint.config import DEFAULT  # noqa: PLC0415 - as the docstring says
    from proselint.tools import LintFile  # noqa: PLC0415

    config = {**DEFAULT, "checks": {**LEFT_OUT, **DEFAULT["checks"], **LEFT_OUT}}
    for found in LintFile("page", plain(text)).lint(config):
        yield found.pos[0], f"{found.check_result.check_path}: {found.check_result.message}"


def main() -> int:
    """Print what is to be written otherwise; return 1 if there is something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proselint", action="store_true", help="let proselint read the same prose")
    checks = [findings]
    if parser.parse_args().proselint:
        from proselint.checks import __register__  # noqa: PLC0415 - installed for this only
        from proselint.registry import CheckRegistry  # noqa: PLC0415

        CheckRegistry().register_many(__register__)
        checks.append(proselint_findings)
    found = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for line, finding in (each for check in checks for each in check(text)):
            found += 1
            sys.stdout.write(f"{page.relative_to(ROOT)}:{line}: {finding}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
