"""What `GetTemplateSummary` says of the resources that can be imported: `cdk import` asks for it.

Gap it fills: ministack leaves it out, so that the CDK finds nothing to import.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceIdentifierSummary.html
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

Answer = tuple[int, Mapping[str, str], bytes]
_END = b"</GetTemplateSummaryResult>"


def install(*, patches: Patches) -> None:
    """Add the identifiers of every resource of a type that is imported here."""
    handlers = importlib.import_module("ministack.services.cloudformation.handlers")
    engine = importlib.import_module("ministack.services.cloudformation.engine")
    changesets = importlib.import_module("ministack.services.cloudformation.changesets")
    theirs = handlers._get_template_summary  # noqa: SLF001 - its answer, to which this adds

    def summary(params: Mapping[str, Any]) -> Answer:
        status, headers, body = theirs(params)
        text, error = handlers._resolve_template(params)  # noqa: SLF001 - as its own answer reads the template
        if error or not text:
            return status, headers, body
        template = engine._parse_template(text)  # noqa: SLF001 - as above
        lookups = changesets._IMPORT_LOOKUPS  # noqa: SLF001 - its table
        return status, headers, body.replace(_END, _summaries(template["Resources"], lookups).encode() + _END)

    patches.item(handlers._ACTION_HANDLERS, "GetTemplateSummary", summary)  # noqa: SLF001 - its table


def _summaries(
    resources: Mapping[str, Mapping[str, Any]], lookups: Mapping[str, tuple[Sequence[str], Callable[..., Any]]]
) -> str:
    rows = "".join(
        f"<member><ResourceType>{kind}</ResourceType>"
        f"<LogicalResourceIds>{_members(names)}</LogicalResourceIds>"
        f"<ResourceIdentifiers>{_members(lookups[kind][0])}</ResourceIdentifiers></member>"
        for kind, names in _by_type(resources)
        if kind in lookups
    )
    return f"<ResourceIdentifierSummaries>{rows}</ResourceIdentifierSummaries>"


def _by_type(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for kind in sorted({resource["Type"] for resource in resources.values()}):
        yield kind, [name for name, resource in resources.items() if resource["Type"] == kind]


def _members(values: Sequence[str]) -> str:
    return "".join(f"<member>{value}</member>" for value in values)
