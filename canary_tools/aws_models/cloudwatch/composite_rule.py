"""The rule language of composite alarms.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^()"\s]+))\s*\)
    |(?P<word>AND\b|OR\b|NOT\b|TRUE\b|FALSE\b|\(|\)))""",
    re.VERBOSE,
)

States = Mapping[str, str]
Condition = Callable[[States], bool]


class RuleError(ValueError):
    """A rule that CloudWatch would refuse."""


@dataclass(frozen=True)
class CompositeRule:
    """A parsed rule. `children`: the names of its alarms; `holds`: whether the rule is true for their states."""

    children: tuple[str, ...]
    holds: Condition


def parse_rule(rule: str) -> CompositeRule:
    """Parse an `AlarmRule`, which refers to alarms by name or ARN.

    Raises:
        RuleError: the rule does not follow the grammar.

    """
    parser = _RuleParser(rule)
    condition = parser.alternatives()
    parser.expect_end()
    return CompositeRule(tuple(dict.fromkeys(parser.children)), condition)


class _RuleParser:
    """A parser in which NOT binds most strongly, then AND, then OR."""

    def __init__(self, rule: str) -> None:
        self._rule = rule.strip()
        self._position = 0
        self.children: list[str] = []

    def alternatives(self) -> Condition:
        conditions = [self._conjunction()]
        while self._accept("OR"):
            conditions.append(self._conjunction())
        return lambda states: any(condition(states) for condition in conditions)

    def expect_end(self) -> None:
        if self._position < len(self._rule):
            raise RuleError(f"unexpected {self._rule[self._position :]!r} in alarm rule {self._rule!r}")

    def _conjunction(self) -> Condition:
        conditions = [self._operand()]
        while self._accept("AND"):
            conditions.append(self._operand())
        return lambda states: all(condition(states) for condition in conditions)

    def _operand(self) -> Condition:
        match = _TOKEN.match(self._rule, self._position)
        if match is None:
            raise RuleError(f"expected a condition at {self._rule[self._position :]!r} in {self._rule!r}")
        self._position = match.end()
        if match["state"]:
            return self._state_check(match["state"], match["quoted"] or match["bare"])
        return self._from_word(match["word"])

    def _from_word(self, word: str) -> Condition:
        if word == "NOT":
            negated = self._operand()
            return lambda states: not negated(states)
        if word == "(":
            condition = self.alternatives()
            if not self._accept(")"):
                raise RuleError(f"missing ')' in alarm rule {self._rule!r}")
            return condition
        if word in ("TRUE", "FALSE"):
            return lambda _: word == "TRUE"
        raise RuleError(f"unexpected {word!r} in alarm rule {self._rule!r}")

    def _state_check(self, state: str, reference: str) -> Condition:
        name = reference.partition(":alarm:")[2] or reference
        self.children.append(name)
        return lambda states: states.get(name) == state

    def _accept(self, word: str) -> bool:
        match = _TOKEN.match(self._rule, self._position)
        if match is None or match["word"] != word:
            return False
        self._position = match.end()
        return True
