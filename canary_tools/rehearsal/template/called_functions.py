"""The handlers of a template, and the rules that call them."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.template.declared import HANDLERS, Function, Rule, StreamCall
from canary_tools.rehearsal.template.intrinsics import Intrinsics
from canary_tools.rehearsal.template.resources import properties_of, referred

Resources = Mapping[str, Mapping[str, Any]]

_USUAL_TIMEOUT_SECONDS, _USUAL_MEMORY_MB, _USUAL_RETRIES = 3, 128, 2
"""The defaults of Lambda. Sources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""


def handlers(resources: Resources, values: Intrinsics, folder: Path) -> Iterator[tuple[str, Function]]:
    """Yield the handlers by logical ID. `folder`: where the template lies, with the code that the CDK packs."""
    retries = {
        referred(properties_of(config).get("FunctionName")): properties_of(config)
        for _, config in of_type(resources, "AWS::Lambda::EventInvokeConfig")
    }
    for logical_id, resource in of_type(resources, "AWS::Lambda::Function"):
        properties = properties_of(resource)
        if not str(properties.get("Handler", "")).startswith(HANDLERS):
            continue
        asset = str(values.resolve(properties["Code"])["S3Key"]).split("/")[-1]
        function = Function(
            arn=values.arn(logical_id),
            name=values.name(logical_id),
            handler=properties["Handler"],
            timeout_seconds=float(properties.get("Timeout", _USUAL_TIMEOUT_SECONDS)),
            memory_mb=int(properties.get("MemorySize", _USUAL_MEMORY_MB)),
            environment=values.resolve(properties.get("Environment", {}).get("Variables", {})),
            code=_code(folder, asset),
            asynchronous_retries=int(retries.get(logical_id, {}).get("MaximumRetryAttempts", _USUAL_RETRIES)),
        )
        yield logical_id, function


def rules(resources: Resources, values: Intrinsics, functions: Collection[str]) -> Iterator[Rule]:
    """Yield the rules that call one of these functions, which are logical IDs."""
    for logical_id, rule in of_type(resources, "AWS::Events::Rule"):
        properties = properties_of(rule)
        for target in properties.get("Targets", []):
            if isinstance(target, Mapping) and referred(target.get("Arn")) in functions:
                pattern = values.resolve(properties.get("EventPattern"))
                resolved = values.resolve(target)
                yield Rule(
                    name=logical_id,
                    function_arn=resolved["Arn"],
                    pattern="" if pattern is None else json.dumps(pattern),
                    transformer=resolved.get("InputTransformer", {}),
                    period_seconds=_period_seconds(properties.get("ScheduleExpression", "")),
                    input=resolved.get("Input", ""),
                )


def stream_calls(resources: Resources, values: Intrinsics, functions: Collection[str]) -> Iterator[StreamCall]:
    """Yield which of these functions (logical IDs) a stream calls, and for what. The ledger's is the only stream."""
    for _, mapping in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        properties = properties_of(mapping)
        called = referred(properties["FunctionName"])
        if called in functions:
            filters = properties.get("FilterCriteria", {}).get("Filters", [])
            patterns = tuple(str(criterion["Pattern"]) for criterion in filters)
            yield StreamCall(function_arn=values.arn(called), patterns=patterns)


def of_type(resources: Resources, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the resources of a type, by logical ID."""
    for logical_id, resource in resources.items():
        if resource["Type"] == kind:
            yield logical_id, resource


def _code(folder: Path, key: str) -> Path | None:
    """Return the folder that the CDK packs for this object of the asset bucket, if it lies beside the template."""
    code = folder / f"asset.{Path(key).stem}"
    return code if (code / "rollout").is_dir() else None


def _period_seconds(schedule: str) -> float:
    """Return the period of a schedule, 0 without one.

    Raises:
        RehearsalError: when it is not a rate in minutes, which is the only schedule of the product.

    >>> _period_seconds("rate(15 minutes)")
    900.0
    """
    found = re.fullmatch(r"rate\((\d+) minutes?\)", schedule)
    if schedule and not found:
        raise RehearsalError(f"a rule's schedule must be a rate in minutes, got {schedule}")
    return int(found[1]) * 60.0 if found else 0.0
