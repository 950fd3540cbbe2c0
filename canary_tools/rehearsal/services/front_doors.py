"""API Gateway as far as a rollout changes it: the variables of the stages in front of the endpoint.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rollout.contract.plan import ApiStage
from rollout.contract.stage_variables import AT_REST

from canary_tools.aws_models.api.errors import ApiError

_PREFIX = "/variables/"


class FrontDoors:
    """The stages that the plan names. `variables`: those of each, by `<API>/<stage>`."""

    def __init__(self, stages: Iterable[ApiStage]) -> None:
        self.variables = {f"{stage.rest_api_id}/{stage.stage_name}": dict(AT_REST) for stage in stages}

    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """Return the API calls that are known here."""
        return {"UpdateStage": self._update_stage}

    def letting_through(self) -> dict[str, dict[str, str]]:
        """Return the variables of each stage that sends requests to a cohort's variant."""
        return {name: variables for name, variables in self.variables.items() if variables != AT_REST}

    def _update_stage(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = f"{request['restApiId']}/{request['stageName']}"
        if name not in self.variables:
            raise ApiError("NotFoundException", "Invalid stage identifier specified", status=404)
        for change in request["patchOperations"]:
            self.variables[name][change["path"].removeprefix(_PREFIX)] = change["value"]
        return {"stageName": request["stageName"], "variables": self.variables[name]}
