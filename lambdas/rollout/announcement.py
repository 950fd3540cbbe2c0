"""An event about a rollout as people read it in mail and chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollout.contract.notice import Happened

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SUBJECT = 100
"""Characters of a subject: printable ASCII, no line break. Source:
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
FIRST_PRINTABLE, LAST_PRINTABLE = " ", "~"
RUNBOOK = "docs/runbook.md"
WHAT = {
    Happened.STARTED: ("begins its rollout", "It has no traffic yet. Nothing is to be done."),
    Happened.STEP: ("goes on", "Nothing is to be done."),
    Happened.HELD: (
        "is held",
        "Nothing is raised; gates and alarms go on. A window opens by itself, and `canary resume` ends a pause.",
    ),
    Happened.NEEDS_APPROVAL: ("needs approval", "Say yes with `canary approve`, or no with `canary reject`."),
    Happened.RESUMED: ("goes on again", "Nothing is to be done."),
    Happened.PROMOTED: ("is promoted", "It serves now. Nothing is to be done."),
    Happened.ROLLED_BACK: ("is rolled back", "The release before serves. Mend this one, and give it a new version."),
    Happened.NOT_JUDGED: ("is not judged", "The release before serves. The same version may be tried again."),
    Happened.NEEDS_ATTENTION: ("needs attention", "Read the reason; `canary doctor` says what stands in the way."),
}
"""What is said of a release after its version, and what a person does about it."""


class Announcement(NamedTuple):
    """What SNS sends."""

    subject: str
    text: str


def announcement(happened: Happened, detail: Mapping[str, object], links: Mapping[str, str]) -> Announcement:
    """Return an event for people. `links`: addresses by what they show."""
    said, to_do = WHAT[happened]
    endpoint, version = str(detail["endpoint"]), str(detail["version"])
    title = f"{endpoint}: {version} {said}" if version else f"{endpoint} {said}"
    named = {**links, "Runbook": f"{RUNBOOK}#{happened.anchor}"}
    width = max(map(len, named)) + 1
    lines = [
        title,
        "",
        str(detail["reason"]),
        "",
        to_do,
        "",
        *(f"{f'{name}:':<{width}} {address}" for name, address in named.items()),
    ]
    return Announcement(subject_of(title), "\n".join(lines) + "\n")


def subject_of(title: str) -> str:
    """Return a title as SNS takes it: what is not printable ASCII becomes `?`, and what is too long is cut.

    >>> subject_of("shop: modèle-2 is promoted")
    'shop: mod?le-2 is promoted'
    >>> len(subject_of("shop: " + "2" * 200))
    100
    """
    printable = "".join(one if FIRST_PRINTABLE <= one <= LAST_PRINTABLE else "?" for one in title)
    return printable if len(printable) <= MAX_SUBJECT else f"{printable[: MAX_SUBJECT - 3]}..."
