"""What users of the last release rely on is still there."""

import json

from tests.infrastructure.last_release import FILE, broken, surface


def test_nothing_that_the_last_release_had_is_gone_or_another() -> None:
    """A change that must be: say it in CHANGELOG.md under "Breaking", then run the command of `last_release`."""
    now = surface()
    assert broken(json.loads(FILE.read_text(encoding="utf-8")), now) == []
    assert any(name.startswith("event ") for name in now)


def test_what_is_gone_or_another_is_named_and_what_is_new_is_not() -> None:
    before = {"Shop/Ledger": "AWS::DynamoDB::Table", "Shop/Rollout/Prepare": "plan, version", "Shop/Alarm": "alarm"}
    now = {"Shop/Rollout/Prepare": "plan", "Shop/Alarm": "alarm", "Shop/New": "new"}
    assert broken(before, now) == [
        "Shop/Ledger is gone; it was AWS::DynamoDB::Table",
        "Shop/Rollout/Prepare is plan; it was plan, version",
    ]
