"""The headers that API Gateway copies between caller and integration. It drops all others.

Mapping expressions name headers by their exact case. A caller's headers come in lower case here, as with HTTP/2.
Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping-sources.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from collections.abc import Callable, Mapping


def mapped_headers(
    mapping: Mapping[str, str],
    *,
    target: str,
    source: str,
    find: Callable[[str], str | None],
    stage_variables: Mapping[str, str],
) -> dict[str, str]:
    """Return the headers that a mapping produces. Headers without a value are left out.

    `target` and `source` are the prefixes of the expressions, such as `integration.request.header.`; `find` returns
    a header by the name in an expression, or `None`.

    >>> mapped_headers(
    ...     {"out.B": "in.a", "out.C": "'fixed'", "out.D": "stageVariables.d", "out.E": "in.missing"},
    ...     target="out.", source="in.", find={"a": "1"}.get, stage_variables={"d": "2"},
    ... )
    {'B': '1', 'C': 'fixed', 'D': '2'}
    """
    found = {
        name.removeprefix(target): _value(expression, source, find, stage_variables)
        for name, expression in mapping.items()
        if name.startswith(target)
    }
    return {name: value for name, value in found.items() if value is not None}


def _value(
    expression: str, source: str, find: Callable[[str], str | None], stage_variables: Mapping[str, str]
) -> str | None:
    if expression.startswith("'"):
        return expression.strip("'")
    if expression.startswith("stageVariables."):
        return stage_variables.get(expression.removeprefix("stageVariables."))
    return find(expression.removeprefix(source))
