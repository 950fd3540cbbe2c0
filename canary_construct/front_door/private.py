"""Refuses a private front door that nobody may call."""

from __future__ import annotations

import jsii
from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from constructs import IValidation

_SENTENCE = (
    "endpoint_type PRIVATE needs a policy, without which API Gateway deploys no private API: say who may call with "
    "rest_api.grant_invoke_from_vpc_endpoints_only([…]) (docs/decisions/load-balancer.md)"
)


@jsii.implements(IValidation)
class PrivateHasPolicy:
    """Looks at a private API as it is rendered: its policy may be given after the construct.

    API Gateway answers "Private REST API doesn't have a resource policy attached to it". Source:
    https://github.com/aws/serverless-application-model/issues/3764
    """

    def __init__(self, api: apigateway.RestApi) -> None:
        self._api = api

    def validate(self) -> list[str]:
        """Return a sentence if the API has no policy."""
        resource = self._api.node.default_child
        assert isinstance(resource, apigateway.CfnRestApi)
        return [] if Stack.of(self._api).resolve(resource.policy) else [_SENTENCE]
