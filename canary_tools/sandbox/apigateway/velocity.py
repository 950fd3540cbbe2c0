"""Mapping templates, rendered as in API Gateway.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
"""

import functools
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_MAP_METHODS = frozenset({"get", "keySet"})
_MEMBERS = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


class TemplateError(Exception):
    """A template that cannot be rendered. API Gateway answers 500."""


class JavaText(str):
    """A text with those methods of a Java String that mapping templates use."""

    __slots__ = ()

    def toLowerCase(self) -> Self:  # noqa: N802, D102 - Java's name; Java documents it
        return type(self)(self.lower())

    def equals(self, other: object) -> bool:  # noqa: D102 - as above
        return self == other

    def equalsIgnoreCase(self, other: str) -> bool:  # noqa: N802, D102 - as above
        return self.lower() == other.lower()

    def contains(self, part: str) -> bool:  # noqa: D102 - as above
        return part in self

    def matches(self, pattern: str) -> bool:  # noqa: D102 - as above
        return re.fullmatch(pattern, self) is not None

    def compareTo(self, other: str) -> int:  # noqa: N802, D102 - as above
        return (self > other) - (self < other)

    def isEmpty(self) -> bool:  # noqa: N802, D102 - as above
        return not self

    def length(self) -> int:  # noqa: D102 - as above
        return len(self)


class JavaMap(dict[str, Any]):
    """A map with Java's methods. An entry with the name of a method does not hide the method."""

    def __getitem__(self, name: str) -> Any:
        if name in _MAP_METHODS:
            raise KeyError(name)
        return super().__getitem__(name)

    def keySet(self) -> list[str]:  # noqa: N802 - Java's name
        """Return the keys."""
        return list(self)


class Overrides(dict[str, Any]):
    """The parameters that a template overrides. Each can be overridden once."""

    def __setitem__(self, name: str, value: Any) -> None:
        if self.get(name) is not None:
            raise TemplateError(f"{name} is overridden twice")
        super().__setitem__(name, value)


@dataclass(frozen=True)
class Rendered:
    """The rendered body, with the headers and the status that the template overrides."""

    body: str
    request_headers: Mapping[str, str]
    response_headers: Mapping[str, str]
    status: int | None


@dataclass(frozen=True)
class Input:
    """The variable `$input`. `headers` are always those of the caller's request."""

    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> JavaText:
        """The raw payload. API Gateway renders `{}` if there is none."""
        return JavaText(self.text or "{}")

    def params(self, name: str | None = None) -> Any:
        """Return all parameters by kind, or one header."""
        headers = _java(self.headers)
        if name is not None:
            return headers.get(name, JavaText())
        return JavaMap(path=JavaMap(), querystring=JavaMap(), header=headers)

    def json(self, path: str) -> str:
        """Return a part of the body as JSON text."""
        return json.dumps(self.path(path))

    def path(self, path: str) -> Any:
        """Return a part of the body. The path may hold only member names, such as `$.user.id`.

        Raises:
            TemplateError: for another JSONPath, or if the body is not JSON.
        """
        if not _MEMBERS.fullmatch(path):
            raise TemplateError(f"this local AWS supports only member names in a JSONPath, got {path}")
        found = _parsed(self.text)
        for member in path.split(".")[1:]:
            found = found.get(member) if isinstance(found, dict) else None
        return found


def render(template: str, *, source: Input, stage_variables: Mapping[str, str], context: Mapping[str, Any]) -> Rendered:
    """Render a mapping template.

    Raises:
        TemplateError: the template cannot be rendered.
    """
    request, response = Overrides(), Overrides()
    overriding = Overrides(header=response)
    namespace = {
        "input": source,
        "stageVariables": _java(stage_variables),
        "context": {**context, "requestOverride": {"header": request}, "responseOverride": overriding},
    }
    try:
        body = _compiled(template).merge(namespace)
    except importlib.import_module("airspeed").TemplateError as error:
        raise TemplateError(str(error)) from error
    return Rendered(body=body, request_headers=request, response_headers=response, status=overriding.get("status"))


@functools.cache
def _compiled(template: str) -> Any:
    return importlib.import_module("airspeed").Template(template)


def _java(texts: Mapping[str, str]) -> JavaMap:
    return JavaMap({JavaText(name): JavaText(value) for name, value in texts.items()})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise TemplateError(f"the body is not JSON: {error}") from error
