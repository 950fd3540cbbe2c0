"""The headers that API Gateway copies between caller and integration. It drops all others.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping-sources.html
"""

from collections.abc import Mapping


def mapped_headers(
    mapping: Mapping[str, str],
    *,
    target: str,
    source: str,
    headers: Mapping[str, str],
    stage_variables: Mapping[str, str],
) -> dict[str, str]:
    """Return the headers that a mapping produces. Headers without a value are left out.

    `target` and `source` are the prefixes of the expressions, such as `integration.request.header.`.

    >>> mapped_headers(
    ...     {"out.B": "in.a", "out.C": "'fixed'", "out.D": "stageVariables.d", "out.E": "in.missing"},
    ...     target="out.", source="in.", headers={"A": "1"}, stage_variables={"d": "2"},
    ... )
    {'B': '1', 'C': 'fixed', 'D': '2'}
    """
    given = {name.lower(): value for name, value in headers.items()}
    found = {
        name.removeprefix(target): _value(expression, source, given, stage_variables)
        for name, expression in mapping.items()
        if name.startswith(target)
    }
    return {name: value for name, value in found.items() if value is not None}


def _value(expression: str, source: str, headers: Mapping[str, str], stage_variables: Mapping[str, str]) -> str | None:
    if expression.startswith("'"):
        return expression.strip("'")
    if expression.startswith("stageVariables."):
        return stage_variables.get(expression.removeprefix("stageVariables."))
    return headers.get(expression.removeprefix(source).lower())
