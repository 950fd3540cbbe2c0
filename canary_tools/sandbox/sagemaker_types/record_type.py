"""`AWS::SageMaker::Model` and `AWS::SageMaker::EndpointConfig`: any change except of tags replaces them."""

from collections.abc import Mapping
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.catalogue import RecordKind, RecordStore
from canary_tools.aws_models.sagemaker.tags import TagStore
from canary_tools.sandbox.emulator.turns import Turns
from canary_tools.sandbox.sagemaker_types.naming import generated_name
from canary_tools.sandbox.sagemaker_types.properties import api_request

Properties = Mapping[str, Any]
Outcome = tuple[str, dict[str, Any]]


class RecordType:
    """The handlers of one of the two types. `Ref` is the ARN."""

    def __init__(self, kind: RecordKind, records: RecordStore, tags: TagStore, turns: Turns) -> None:
        self._kind = kind
        self._records = records
        self._tags = tags
        self._turns = turns

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Outcome:
        """Create the record. It gets a generated name if the template has none."""
        name_property = f"{self._kind.api}Name"
        name = properties.get(name_property) or generated_name(stack_name, logical_id)
        request = api_request("sagemaker", f"Create{self._kind.api}", {**properties, name_property: name})
        with self._turns:
            self._records.create(request)
            arn = self._records.find(name).arn
        return arn, {name_property: name, f"{self._kind.api}Arn": arn}

    def update(
        self, physical_id: str, _old: Properties, new: Properties, _stack_name: str, _logical_id: str
    ) -> Outcome:
        """Set the tags of the record. Any other change replaces the record instead."""
        with self._turns:
            self._tags.replace(physical_id, new.get("Tags", ()))
            name = self._name_of(physical_id)
        return physical_id, {f"{self._kind.api}Name": name, f"{self._kind.api}Arn": physical_id}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Delete the record if it exists."""
        with self._turns:
            try:
                name = self._name_of(physical_id)
            except ApiError:
                return
            self._records.delete({f"{self._kind.api}Name": name})

    def _name_of(self, arn: str) -> str:
        return self._records.find_by_arn(arn).name
