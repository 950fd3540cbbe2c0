import pytest

from canary_tools.aws_models.cloudwatch.composite_rule import RuleError, parse_rule

STATES = {"hot": "ALARM", "calm": "OK", "new": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(hot)", True),
        ('ALARM("calm")', False),
        ("OK(calm) AND ALARM(hot)", True),
        ("ALARM(calm) OR INSUFFICIENT_DATA(new)", True),
        ("NOT ALARM(hot)", False),
        ("NOT ALARM(hot) OR TRUE", True),
        ("ALARM(hot) OR ALARM(calm) AND FALSE", True),
        ("(ALARM(hot) OR ALARM(calm)) AND FALSE", False),
        ('(ALARM("arn:aws:cloudwatch:us-east-1:000000000000:alarm:hot") OR OK(new))', True),
        ("ALARM(gone)", False),
    ],
)
def test_rules_hold_as_written(rule: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert parse_rule(rule).holds(STATES) is expected


def test_children_are_named_once_and_without_their_arn() -> None:
    rule = 'ALARM("arn:aws:cloudwatch:us-east-1:000000000000:alarm:hot") AND NOT OK(hot) OR ALARM(calm)'
    assert parse_rule(rule).children == ("hot", "calm")


@pytest.mark.parametrize("rule", ["", "ALARM(hot", "ALARM(hot) ALARM(calm)", "AND", "(ALARM(hot)", "MAYBE(hot)"])
def test_a_broken_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        parse_rule(rule)
