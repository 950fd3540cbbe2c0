"""A front door of an endpoint: API Gateway calls SageMaker directly, without a Lambda function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from canary_construct.border import checked
from canary_construct.cdk.acknowledged import acknowledge
from canary_construct.front_door.account_logging import account_logging as account_log_role
from canary_construct.front_door.authorization import ApiAuthorization
from canary_construct.front_door.content_types import JSON, ContentTypes
from canary_construct.front_door.private import PrivateHasPolicy
from canary_construct.front_door.responses import integration_responses, method_responses
from canary_construct.front_door.stage import (
    check_same_stack,
    check_stage,
    own_access_log,
    stage_options,
    stage_variables,
)
from canary_construct.front_door.templates import FORWARDED, invocation_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.canary_endpoint import CanaryEndpoint

PATH = "invocations"


@checked()
class EndpointApi(Construct):
    """A REST API whose `POST /invocations` calls InvokeEndpoint of the endpoint.

    Every answer of SageMaker has two more headers. `X-Canary-Variant` names the variant that answered.
    `X-Canary-Release` says which release each variant holds, as in `variant-a=v1,variant-b=v2`.
    `canary_construct_client.AnsweredBy` reads both. Callers cannot choose a variant, but a cohort step of a rollout
    can choose one for them. A body may have 6 MB (SageMaker's limit). A model may take 29 seconds (API Gateway's
    limit).

    Args:
        scope: in the stack of the endpoint
        construct_id: unique in `scope`. With another one the API is replaced, and its URL is another
        endpoint: the endpoint that the API calls
        authorization: who may call the API. Default: AWS identities that `grant_invoke` was called for
        content_types: the types of text bodies; default: JSON. Any other type gets the answer 415
        binary_content_types: the types of binary bodies; default: none. No cohort rule matches them. If there is
            one, API Gateway lets unknown types pass too, and the model must refuse them. For a binary answer the
            caller must name its type in an `Accept` header
        request_schema: the schema of JSON bodies. Default: any JSON
        rate_limit: the requests a second that all callers together may send; default 100. Further ones get the
            answer 429
        burst_limit: the requests at once that all callers together may send; default 200. Further ones get the
            answer 429
        stage_name: the first part of the URL's path; default "live"
        endpoint_type: default: edge-optimised. There CloudFront gives each caller's country to cohort rules
        web_acl_arn: the ARN of an AWS WAF web ACL, for which CDK has no interface. Default: none
        access_log: the log group that gets a line for each request, without its body. The account must have a role
            for API Gateway's logs already. Default: none
        account_logging: `True` makes that role, and an access log if none is given. An account and region has one
            such role: the new one replaces it, and it stays when this stack is deleted. Default: no role and no
            logs, because API Gateway refuses logs without that role

    This was not tried on a live account.

    Raises:
        TypeError: when an argument is of another type, unknown or missing.
        ValueError: when a value is out of its range, or the endpoint is in another stack.

    Sources: https://docs.aws.amazon.com/solutions/latest/constructs/aws-apigateway-sagemakerendpoint.html,
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: CanaryEndpoint,
        authorization: ApiAuthorization | None = None,
        content_types: Sequence[str] = (JSON,),
        binary_content_types: Sequence[str] = (),
        request_schema: apigateway.JsonSchema | None = None,
        rate_limit: float = 100,
        burst_limit: int = 200,
        stage_name: str = "live",
        endpoint_type: apigateway.EndpointType = apigateway.EndpointType.EDGE,
        web_acl_arn: str | None = None,
        access_log: logs.ILogGroup | None = None,
        account_logging: bool = False,
    ) -> None:
        """Declare a REST API whose `POST /invocations` calls InvokeEndpoint of the endpoint.

        Args:
            scope: in the stack of the endpoint
            construct_id: unique in `scope`. With another one the API is replaced, and its URL is another
            endpoint: the endpoint that the API calls
            authorization: who may call the API. Default: AWS identities that `grant_invoke` was called for
            content_types: the types of text bodies; default: JSON. Any other type gets the answer 415
            binary_content_types: the types of binary bodies; default: none. No cohort rule matches them. If there is
                one, API Gateway lets unknown types pass too, and the model must refuse them. For a binary answer the
                caller must name its type in an `Accept` header
            request_schema: the schema of JSON bodies. Default: any JSON
            rate_limit: the requests a second that all callers together may send; default 100. Further ones get the
                answer 429
            burst_limit: the requests at once that all callers together may send; default 200. Further ones get the
                answer 429
            stage_name: the first part of the URL's path; default "live"
            endpoint_type: default: edge-optimised. There CloudFront gives each caller's country to cohort rules
            web_acl_arn: the ARN of an AWS WAF web ACL, for which CDK has no interface. Default: none
            access_log: the log group that gets a line for each request, without its body. The account must have a role
                for API Gateway's logs already. Default: none
            account_logging: `True` makes that role, and an access log if none is given. An account and region has one
                such role: the new one replaces it, and it stays when this stack is deleted. Default: no role and no
                logs, because API Gateway refuses logs without that role
        """
        check_same_stack(scope, endpoint)
        check_stage(stage_name=stage_name, rate_limit=rate_limit, burst_limit=burst_limit, web_acl_arn=web_acl_arn)
        content = ContentTypes(text=tuple(content_types), binary=tuple(binary_content_types))
        super().__init__(scope, construct_id)
        self._authorization = ApiAuthorization.iam() if authorization is None else authorization
        if account_logging and access_log is None:
            access_log = own_access_log(self)
        self._api = apigateway.RestApi(
            self,
            "Resource",
            rest_api_name=f"{endpoint.endpoint_name}-front-door",
            endpoint_types=[endpoint_type],
            binary_media_types=list(content.binary) or None,
            cloud_watch_role=False,
            deploy_options=stage_options(
                stage_name=stage_name,
                rate_limit=rate_limit,
                burst_limit=burst_limit,
                variables=stage_variables(endpoint._release_in),  # noqa: SLF001 - one library, two constructs
                access_log=access_log,
            ),
        )
        if endpoint_type is apigateway.EndpointType.PRIVATE:
            self.node.add_validation(PrivateHasPolicy(self._api))
        self._method = self._invocations(endpoint, content, request_schema)
        if self._authorization.needs_key:
            self._usage_plan(rate_limit, burst_limit)
        if account_logging:
            self.stage.node.add_dependency(account_log_role(self))
        if web_acl_arn is not None:
            wafv2.CfnWebACLAssociation(self, "Firewall", resource_arn=self.stage.stage_arn, web_acl_arn=web_acl_arn)
        self._acknowledge(firewall=web_acl_arn is not None, logged=access_log is not None)
        endpoint._add_api_stage(self._api.rest_api_id, stage_name)  # noqa: SLF001 - one library, two constructs

    def _invocations(
        self, endpoint: CanaryEndpoint, content: ContentTypes, schema: apigateway.JsonSchema | None
    ) -> apigateway.Method:
        return self._api.root.add_resource(PATH).add_method(
            "POST",
            self._integration(endpoint, content),
            authorization_type=self._authorization.type,
            authorizer=self._authorizer(),
            authorization_scopes=list(self._authorization.scopes) or None,
            api_key_required=self._authorization.needs_key,
            request_parameters={f"method.request.header.{name}": False for name in _mapped(content)},
            request_models={JSON: self._request_model(schema)} if JSON in content.text else None,
            request_validator=self._api.add_request_validator(
                "Validator", validate_request_body=True, validate_request_parameters=True
            ),
            method_responses=method_responses(),
        )

    def _integration(self, endpoint: CanaryEndpoint, content: ContentTypes) -> apigateway.AwsIntegration:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        endpoint.grant_invoke(role)
        return apigateway.AwsIntegration(
            service="runtime.sagemaker",
            path=f"endpoints/{endpoint.endpoint_name}/invocations",
            integration_http_method="POST",
            options=apigateway.IntegrationOptions(
                credentials_role=role,
                passthrough_behavior=content.passthrough,
                request_parameters={
                    f"integration.request.header.{name}": f"method.request.header.{name}" for name in _mapped(content)
                },
                request_templates=dict.fromkeys(content.text, invocation_template()),
                integration_responses=integration_responses(),
            ),
        )

    def _authorizer(self) -> apigateway.CognitoUserPoolsAuthorizer | None:
        pools = self._authorization.user_pools
        if not pools:
            return None
        return apigateway.CognitoUserPoolsAuthorizer(self, "Authorizer", cognito_user_pools=list(pools))

    def _request_model(self, schema: apigateway.JsonSchema | None) -> apigateway.Model:
        any_json = apigateway.JsonSchema(schema=apigateway.JsonSchemaVersion.DRAFT4, title="AnyJson")
        return self._api.add_model("Request", content_type=JSON, schema=any_json if schema is None else schema)

    def _usage_plan(self, rate_limit: float, burst_limit: int) -> None:
        plan = self._api.add_usage_plan(
            "Callers", throttle=apigateway.ThrottleSettings(rate_limit=rate_limit, burst_limit=burst_limit)
        )
        plan.add_api_stage(stage=self.stage)
        for key in self._authorization.keys or (self._api.add_api_key("Key"),):
            plan.add_api_key(key)

    def _acknowledge(self, *, firewall: bool, logged: bool) -> None:
        """Give the reasons why some rules of cdk-nag do not apply here.

        Source: https://github.com/cdklabs/cdk-nag (rules AwsSolutions-COG4, -APIG1, -APIG3, -APIG4 and -APIG6)
        """
        reasons: dict[str, str] = {}
        if not logged:
            reasons |= dict.fromkeys(("APIG1", "APIG6"), "logs need a role of the whole account, which its owner makes")
        if not firewall:
            reasons["APIG3"] = "the team that deploys decides whether a web application firewall stands in front"
        if self._authorization.needs_key:
            reasons["APIG4"] = "the team that deploys chose API keys instead of identities"
        if not self._authorization.user_pools:
            reasons["COG4"] = "callers are AWS identities or hold API keys, and are no users of a user pool"
        for rule, reason in reasons.items():
            acknowledge(self, f"AwsSolutions-{rule}", reason=reason)

    @property
    def url(self) -> str:
        """Return the URL for requests. They must be POST and have a `Content-Type` header."""
        return self.stage.url_for_path(f"/{PATH}")

    @property
    def rest_api(self) -> apigateway.RestApi:
        """Return the API. A domain name or further methods can be added to it."""
        return self._api

    @property
    def stage(self) -> apigateway.Stage:
        """Return the stage whose variables hold the cohort's rule."""
        return self._api.deployment_stage

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow an AWS identity to send requests.

        Args:
            grantee: a role, a user or a function that sends them

        Raises:
            ValueError: when `authorization` is not `ApiAuthorization.iam()`.
        """
        if self._authorization.type is not apigateway.AuthorizationType.IAM:
            raise ValueError("grant_invoke needs ApiAuthorization.iam(), got another authorization")
        return self._method.grant_execute(grantee)


def _mapped(content: ContentTypes) -> tuple[str, ...]:
    """Return the headers that parameter mapping hands on.

    Binary bodies have no template, so their headers are mapped in the case of HTTP/2 as well.
    """
    return (*FORWARDED, *(name.lower() for name in FORWARDED)) if content.binary else FORWARDED
