"""The grammar of CloudWatch metric math, for the part that alarms and dashboards use.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import re
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))")
_WORDS = {"AND": "&&", "OR": "||"}
# operators that bind most weakly come first; those of one level group to the left
_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"), ("^",))


class MathError(ValueError):
    """An expression that CloudWatch would refuse."""


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Name:
    """The id of a metric or of another expression, or a keyword such as REPEAT."""

    id: str


@dataclass(frozen=True)
class Negation:
    """Unary minus."""

    operand: "Node"


@dataclass(frozen=True)
class Operation:
    """A binary operator between two operands."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Array:
    """An array of time series."""

    members: tuple["Node", ...]


Node = Number | Name | Negation | Operation | Call | Array


@cache
def parse(expression: str) -> Node:
    """Parse an expression. Results are cached, since alarms evaluate the same few expressions again and again.

    Raises:
        MathError: the expression does not follow the grammar.

    """
    parser = _Parser(_tokens(expression), expression)
    node = parser.level(0)
    parser.expect_end()
    return node


@cache
def names(expression: str) -> frozenset[str]:
    """Return every id that the expression itself refers to.

    Raises:
        MathError: the expression does not follow the grammar.

    """
    return _names(parse(expression))


def _names(node: Node) -> frozenset[str]:
    match node:
        case Name(id):
            return frozenset({id})
        case Negation(operand):
            return _names(operand)
        case Operation(_, left, right):
            return _names(left) | _names(right)
        case Call(_, members) | Array(members):
            return frozenset().union(*map(_names, members))
        case Number():
            return frozenset()


def _tokens(expression: str) -> list[str]:
    found, position = [], 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MathError(f"unexpected character {text[position:].lstrip()[:1]!r} in {expression!r}")
        token = match[0].strip()
        found.append(_WORDS.get(token, token))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str], expression: str) -> None:
        self._tokens = tokens
        self._expression = expression
        self._position = 0

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self._unary()
        node = self.level(depth + 1)
        while self._peek() in _LEVELS[depth]:
            node = Operation(self._next(), node, self.level(depth + 1))
        return node

    def expect_end(self) -> None:
        if self._peek():
            raise MathError(f"unexpected {self._peek()!r} in {self._expression!r}")

    def _unary(self) -> Node:
        if self._peek() == "-":
            self._next()
            return Negation(self._unary())
        return self._primary()

    def _primary(self) -> Node:
        symbol = self._next()
        if symbol == "(":
            node = self.level(0)
            self._expect(")")
            return node
        if symbol == "[":
            return Array(self._members("]"))
        if symbol[:1].isdigit() or symbol.startswith("."):
            return Number(float(symbol))
        if not symbol[:1].isalpha():
            raise MathError(f"unexpected {symbol!r} in {self._expression!r}")
        if self._peek() != "(":
            return Name(symbol)
        self._next()
        return Call(symbol, self._members(")"))

    def _members(self, closing: str) -> tuple[Node, ...]:
        members: list[Node] = []
        while self._peek() != closing:
            if members:
                self._expect(",")
            members.append(self.level(0))
        self._next()
        return tuple(members)

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise MathError(f"unexpected end of {self._expression!r}")
        self._position += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise MathError(f"expected {token!r} in {self._expression!r}")
