"""The stages of an endpoint's front doors: each holds a copy of the cohort rule in its variables.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/amazon-api-gateway-using-stage-variables.html
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout import clients
from rollout.contract.errors import Throttled
from rollout.contract.stage_variables import AT_REST, BUCKETS, HEADER, VALUES, VARIANT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.cohort import CohortRule
    from rollout.contract.plan import ApiStage


def variables_of(variant: str, rule: CohortRule) -> dict[str, str]:
    """Return the variables that send the requests of a cohort to a variant.

    >>> from rollout.contract.cohort import CohortRule
    >>> list(variables_of("variant-b", CohortRule(header="x-canary-bucket", buckets=500)).values())
    ['variant-b', 'x-canary-bucket', 'none', '0500']
    >>> variables_of("variant-b", CohortRule(header="x-country", values=("DE", "AT")))[VALUES]
    ',DE,AT,'
    """
    chosen = {VARIANT: variant, HEADER: rule.header}
    if rule.buckets:
        return {**AT_REST, **chosen, BUCKETS: f"{rule.buckets:04d}"}
    return {**AT_REST, **chosen, VALUES: f",{','.join(rule.values)},"}


class ApiStages:
    """Every stage through which users may reach one endpoint."""

    def __init__(self, stages: Sequence[ApiStage], *, client: Any = None) -> None:
        self._stages = stages
        self._client = clients.single_attempt_client("apigateway") if client is None and stages else client

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set the variables of every stage. A stage that does not exist lets nobody through.

        A stage that refuses does not keep the others from being set.

        Raises:
            Throttled: when API Gateway limits the calls, or changes the stage already.
            Unavailable: when API Gateway does not answer.
            ClientError: when it refuses for another reason.

        Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
        """
        patch = [{"op": "replace", "path": f"/variables/{name}", "value": value} for name, value in variables.items()]
        with ExitStack() as all_of_them:
            for stage in reversed(self._stages):
                all_of_them.callback(self._update, stage, patch)

    def _update(self, stage: ApiStage, patch: list[dict[str, str]]) -> None:
        try:
            with clients.named_failures():
                self._client.update_stage(
                    restApiId=stage.rest_api_id, stageName=stage.stage_name, patchOperations=patch
                )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConflictException":
                raise Throttled(error.response["Error"]["Message"]) from error
            if code != "NotFoundException":
                raise
