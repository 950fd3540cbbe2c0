"""Values of a template as a deployed stack would see them, with names that are always the same.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.rehearsal.json_input.json_object import RehearsalError

ACCOUNT = "111122223333"
REGION = "us-east-1"

_NO_VALUE = object()
_PLACEHOLDER = re.compile(r"\$\{([^!][^}]*)\}")
_PHYSICAL_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
_ARNS = {
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{place}:alarm:{name}",
    "AWS::CloudWatch::CompositeAlarm": "arn:aws:cloudwatch:{place}:alarm:{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{place}:table/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{place}:function:{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::SageMaker::Endpoint": "arn:aws:sagemaker:{place}:endpoint/{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{place}:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{place}:stateMachine:{name}",
}
_REF_IS_ARN = frozenset({"AWS::StepFunctions::StateMachine", "AWS::SNS::Topic", "AWS::SageMaker::Endpoint"})


class Intrinsics:
    """Resolves `Ref`, `Fn::GetAtt` and the functions around them.

    `attributes`: what custom resources answered, by logical ID.
    """

    def __init__(
        self, template: Mapping[str, Any], stack_name: str, attributes: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._template = template
        self._resources = template["Resources"]
        self._attributes = attributes or {}
        self._pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": stack_name,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack_name}/rehearsal",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _NO_VALUE,
        }
        self.stack_name = stack_name
        self.stack_id: str = str(self._pseudo["AWS::StackId"])

    def resolve(self, value: Any) -> Any:
        """Return a value with every function in it replaced.

        Raises:
            RehearsalError: for a function that is not known here.
        """
        if isinstance(value, Mapping):
            return self._function(value) if _is_function(value) else self._object(value)
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        return value

    def name(self, logical_id: str) -> str:
        """Return the physical name of a resource: its own, or one made of stack and logical ID."""
        resource = self._resources[logical_id]
        given = resource.get("Properties", {}).get(_PHYSICAL_NAMES.get(resource["Type"], ""))
        return f"{self.stack_name}-{logical_id}" if given is None else str(self.resolve(given))

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource."""
        kind = self._resources[logical_id]["Type"]
        pattern = _ARNS.get(kind, "arn:aws:rehearsal:{place}:{name}")
        return pattern.format(place=f"{REGION}:{ACCOUNT}", account=ACCOUNT, name=self.name(logical_id))

    def _object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _NO_VALUE}

    def _function(self, call: Mapping[str, Any]) -> Any:
        ((name, argument),) = call.items()
        known: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": lambda parts: str(parts[0]).join(str(item) for item in self.resolve(parts[1])),
            "Fn::Sub": self._substitute,
            "Fn::Select": self._select,
            "Fn::Split": lambda parts: str(self.resolve(parts[1])).split(parts[0]),
            "Fn::ImportValue": lambda exported: f"imported-{self.resolve(exported)}",
            "Fn::GetAZs": lambda _region: [f"{REGION}{letter}" for letter in "abc"],
            "Fn::FindInMap": self._find_in_map,
        }
        if name not in known:
            raise RehearsalError(f"the template uses {name}, which a rehearsal does not know")
        return known[name](argument)

    def _get_att(self, argument: Any) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(parts[0], parts[1])

    def _select(self, argument: Any) -> Any:
        number, parts = int(argument[0]), self.resolve(argument[1])
        if number >= len(parts):
            raise RehearsalError(
                f"the template takes part {number + 1} of {parts}, which has {len(parts)}: give a parameter that is "
                "known at deploy time only a default for the rehearsal"
            )
        return parts[number]

    def _find_in_map(self, argument: Any) -> Any:
        top, second, key = (self.resolve(item) for item in argument[:3])
        return self._template["Mappings"][top][second][key]

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._resources:
            is_arn = self._resources[name]["Type"] in _REF_IS_ARN
            return self.arn(name) if is_arn else self.name(name)
        parameters = self._template.get("Parameters", {})
        if name in parameters:
            return parameters[name].get("Default", f"parameter-{name}")
        raise RehearsalError(f"the template refers to {name}, which is not in it")

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        if logical_id in self._attributes and attribute in self._attributes[logical_id]:
            return self._attributes[logical_id][attribute]
        if logical_id not in self._resources:
            raise RehearsalError(f"the template refers to {logical_id}, which is not in it")
        return self.arn(logical_id) if attribute.endswith("Arn") else f"{self.name(logical_id)}.{attribute}"

    def _substitute(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            if name in given:
                return str(given[name])
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return _PLACEHOLDER.sub(value_of, text).replace("${!", "${")


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")) and next(iter(value)) != "Reference"
