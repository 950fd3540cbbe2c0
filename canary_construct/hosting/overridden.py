"""CloudFormation resources that know what is rendered of them: properties, tags, and what an escape hatch overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnResource, Stack
from aws_cdk import aws_sagemaker as sagemaker

if TYPE_CHECKING:
    _Resource = CfnResource
else:
    _Resource = object
_PROPERTIES = "Properties."
_REMOVED = "removed by an override"


class Overridden(_Resource):
    """Remembers overrides, which CDK keeps to itself.

    Every escape hatch ends in `addOverride`, in Python and in CDK's own code.
    Source: https://docs.aws.amazon.com/cdk/v2/guide/cfn-layer.html
    """

    def add_override(self, path: str, value: Any) -> None:
        """Override, and remember it."""
        self._overrides[path] = value
        super().add_override(path, value)

    @property
    def _overrides(self) -> dict[str, Any]:
        remembered: dict[str, Any] = self.__dict__.setdefault("_remembered", {})
        return remembered

    def rendered(self) -> dict[str, Any]:
        """Return the properties as they are now, with references as the template has them, and their overrides."""
        overrides = {
            path: _REMOVED if value is None else value
            for path, value in self._overrides.items()
            if path.startswith(_PROPERTIES)
        }
        properties = {name: value for name, value in self._cfn_properties.items() if value is not None}
        resolved: dict[str, Any] = Stack.of(self).resolve({**properties, **overrides})
        return resolved


class Model(Overridden, sagemaker.CfnModel):
    """A model."""


class EndpointConfig(Overridden, sagemaker.CfnEndpointConfig):
    """An endpoint config."""


class Endpoint(Overridden, sagemaker.CfnEndpoint):
    """An endpoint."""
