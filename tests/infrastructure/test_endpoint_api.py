"""The front door as CloudFormation gets it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from cdk_nag import AwsSolutionsChecks

from canary_construct import ApiAuthorization, CanaryEndpoint, EndpointApi
from canary_construct.handlers.cohort_permissions import COHORT_HANDLERS
from tests.infrastructure.synthesis import (
    ENDPOINT,
    Resources,
    declare,
    depends_on,
    named,
    of_type,
    only,
    properties,
    rendered,
    stack,
    statements,
    text,
)

pytestmark = pytest.mark.xdist_group("endpoint-api")

METHOD = "AWS::ApiGateway::Method"
STAGE = "AWS::ApiGateway::Stage"


def front_door(shop: Stack, **props: Any) -> EndpointApi:
    return EndpointApi(shop, "FrontDoor", endpoint=declare(shop), **props)


def resources_with(**props: Any) -> Resources:
    shop = stack()
    front_door(shop, **props)
    return rendered(shop)


@pytest.fixture(scope="module")
def usual() -> Resources:
    return resources_with()


def integration(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = properties(resources, METHOD)["Integration"]
    return found


def test_no_function_stands_between_api_gateway_and_sagemaker(usual: Resources) -> None:
    assert integration(usual)["Type"] == "AWS"
    uri = text(integration(usual)["Uri"])
    assert uri == (
        f"arn:<AWS::Partition>:apigateway:<AWS::Region>:runtime.sagemaker:path/endpoints/{ENDPOINT}/invocations"
    )


def test_the_integration_may_invoke_this_endpoint_and_nothing_else(usual: Resources) -> None:
    role = integration(usual)["Credentials"]["Fn::GetAtt"][0]
    (statement,) = statements(usual, role)
    endpoint, _ = only(usual, "AWS::SageMaker::Endpoint")
    assert (statement["Action"], statement["Resource"]) == (["sagemaker:InvokeEndpoint"], [f"<{endpoint}>"])


def test_no_header_of_a_caller_reaches_sagemaker_but_the_two_of_its_content(usual: Resources) -> None:
    assert set(integration(usual)["RequestParameters"]) == {
        "integration.request.header.Content-Type",
        "integration.request.header.Accept",
    }


def test_only_signed_json_is_taken_unless_more_is_asked_for(usual: Resources) -> None:
    assert properties(usual, METHOD)["AuthorizationType"] == "AWS_IAM"
    assert integration(usual)["PassthroughBehavior"] == "NEVER"
    assert set(integration(usual)["RequestTemplates"]) == {"application/json"}
    assert "BinaryMediaTypes" not in properties(usual, "AWS::ApiGateway::RestApi")


def test_a_text_type_has_a_template_and_a_binary_type_has_none() -> None:
    found = resources_with(content_types=["text/csv"], binary_content_types=["image/png"])
    assert set(integration(found)["RequestTemplates"]) == {"text/csv"}
    assert integration(found)["PassthroughBehavior"] == "WHEN_NO_MATCH"
    assert properties(found, "AWS::ApiGateway::RestApi")["BinaryMediaTypes"] == ["image/png"]
    assert "RequestModels" not in properties(found, METHOD)


def test_a_deploy_can_only_set_the_cohort_to_none(usual: Resources) -> None:
    variables = dict(properties(usual, STAGE)["Variables"])
    releases = variables.pop("releases")
    assert variables == {
        "cohortVariant": "none",
        "cohortHeader": "none",
        "cohortValues": "none",
        "cohortBuckets": "0000",
    }
    assert text(releases).startswith("variant-a=<RecommenderReleaseSlots")


def test_every_answer_names_variant_and_releases(usual: Resources) -> None:
    for response in integration(usual)["IntegrationResponses"]:
        mapped = response["ResponseParameters"]
        assert mapped["method.response.header.X-Canary-Variant"].endswith("x-Amzn-Invoked-Production-Variant")
        assert mapped["method.response.header.X-Canary-Release"] == "stageVariables.releases"


def test_no_template_touches_an_answer_of_the_model(usual: Resources) -> None:
    (answer,) = [each for each in integration(usual)["IntegrationResponses"] if each["StatusCode"] == "200"]
    assert not answer.keys() & {"ResponseTemplates", "ContentHandling"}


def test_every_status_of_the_integration_is_one_of_the_method(usual: Resources) -> None:
    declared = {each["StatusCode"] for each in properties(usual, METHOD)["MethodResponses"]}
    assert {each["StatusCode"] for each in integration(usual)["IntegrationResponses"]} == declared
    assert declared == {"200", "400", "413", "424", "429", "500", "503"}


def test_what_is_not_foreseen_is_a_fault_of_the_front_door(usual: Resources) -> None:
    (unforeseen,) = [r for r in integration(usual)["IntegrationResponses"] if "SelectionPattern" not in r]
    assert unforeseen["StatusCode"] == "500"


def test_limits_are_on_the_stage() -> None:
    found = properties(resources_with(rate_limit=7.5, burst_limit=9, stage_name="shop"), STAGE)
    (settings,) = found["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (7.5, 9)
    assert settings["DataTraceEnabled"] is False
    assert found["StageName"] == "shop"


def logging_of(**props: Any) -> tuple[str, str]:
    """Return where a stage writes its access log, and at which level it logs what it does."""
    shop = stack()
    props = {name: make(shop) if callable(make) else make for name, make in props.items()}
    front_door(shop, **props)
    found = properties(rendered(shop), STAGE)
    access = found.get("AccessLogSetting", {"DestinationArn": ""})
    assert not access["DestinationArn"] or "requestId" in access["Format"]
    return text(access["DestinationArn"]), found["MethodSettings"][0].get("LoggingLevel", "OFF")


def test_a_stage_has_logs_only_if_the_account_has_the_role_for_them(usual: Resources) -> None:
    assert logging_of() == ("", "OFF")
    assert not of_type(usual, "AWS::ApiGateway::Account")
    with_role, level = logging_of(account_logging=True)
    assert ("<FrontDoorAccessLog" in with_role, level) == (True, "ERROR")
    own, level = logging_of(access_log=lambda shop: logs.LogGroup(shop, "Own"))
    assert ("<Own" in own, level) == (True, "ERROR")


def test_the_role_of_the_accounts_logs_is_made_once_and_stays_with_all_it_may_when_the_stack_goes() -> None:
    shop = stack()
    endpoint = declare(shop)
    for name in ("One", "Two"):
        EndpointApi(shop, name, endpoint=endpoint, stage_name=name.lower(), account_logging=True)
    found = rendered(shop)
    name, account = only(found, "AWS::ApiGateway::Account")
    role = text(account["Properties"]["CloudWatchRoleArn"]).strip("<>").removesuffix(".Arn")
    assert (account["DeletionPolicy"], found[role]["DeletionPolicy"]) == ("Retain", "Retain")
    (policy,) = found[role]["Properties"]["ManagedPolicyArns"]
    assert text(policy).endswith(":iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
    assert statements(found, role) == []
    for stage_name in of_type(found, STAGE):
        assert name in depends_on(found, stage_name)


def test_bodies_are_validated_by_the_callers_schema() -> None:
    schema = apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT, required=["user"])
    found = resources_with(request_schema=schema)
    assert properties(found, "AWS::ApiGateway::Model")["Schema"]["required"] == ["user"]
    assert properties(found, "AWS::ApiGateway::RequestValidator")["ValidateRequestBody"] is True
    assert properties(found, METHOD)["RequestParameters"]["method.request.header.Content-Type"] is False


def test_users_of_a_pool_can_be_let_in() -> None:
    shop = stack()
    pool = cognito.UserPool(shop, "Users")
    front_door(shop, authorization=ApiAuthorization.cognito(pool))
    found = rendered(shop)
    assert properties(found, METHOD)["AuthorizationType"] == "COGNITO_USER_POOLS"
    assert properties(found, "AWS::ApiGateway::Authorizer")["Type"] == "COGNITO_USER_POOLS"


def test_access_tokens_with_a_scope_can_be_let_in_instead() -> None:
    shop = stack()
    pool = cognito.UserPool(shop, "Users")
    authorization = ApiAuthorization.cognito(pool, scopes=["recommender/read"])
    EndpointApi(shop, "Api", endpoint=declare(shop), authorization=authorization)
    assert properties(rendered(shop), "AWS::ApiGateway::Method")["AuthorizationScopes"] == ["recommender/read"]


def test_a_front_door_in_another_stack_is_refused() -> None:
    app = App()
    shop, other = Stack(app, "Shop"), Stack(app, "Other")
    with pytest.raises(ValueError, match="must be in its endpoint's stack Shop, got stack Other"):
        EndpointApi(other, "Api", endpoint=declare(shop))


def test_holders_of_keys_can_be_let_in_within_the_same_limits() -> None:
    found = resources_with(authorization=ApiAuthorization.api_key(), rate_limit=5, burst_limit=6)
    assert properties(found, METHOD)["ApiKeyRequired"] is True
    assert properties(found, "AWS::ApiGateway::UsagePlan")["Throttle"] == {"RateLimit": 5, "BurstLimit": 6}
    assert len(of_type(found, "AWS::ApiGateway::ApiKey")) == 1


def test_keys_that_exist_are_used() -> None:
    shop = stack()
    front_door(shop, authorization=ApiAuthorization.api_key([apigateway.ApiKey(shop, "Theirs")]))
    found = rendered(shop)
    key, _ = only(found, "AWS::ApiGateway::ApiKey")
    assert key.startswith("Theirs")
    assert properties(found, "AWS::ApiGateway::UsagePlanKey")["KeyId"] == {"Ref": key}


def test_a_firewall_stands_in_front_of_the_stage() -> None:
    arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1"
    association = properties(resources_with(web_acl_arn=arn), "AWS::WAFv2::WebACLAssociation")
    assert association["WebACLArn"] == arn
    assert text(association["ResourceArn"]).endswith("/stages/<FrontDoorDeploymentStageliveCE1FF91D>")


def test_a_grant_is_of_this_method_of_this_stage() -> None:
    shop = stack()
    front_door(shop).grant_invoke(iam.User(shop, "Caller"))
    (statement,) = statements(rendered(shop), "Caller")
    assert statement["Action"] == ["execute-api:Invoke"]
    (resource,) = statement["Resource"]
    assert resource.endswith("/POST/invocations")
    assert "*" not in resource


def test_rollouts_learn_of_every_stage_and_may_change_these_stages_alone() -> None:
    shop = stack()
    endpoint = declare(shop)
    for name in ("One", "Two"):
        EndpointApi(shop, name, endpoint=endpoint, stage_name=name.lower())
    found = rendered(shop)
    stages = {api: api[:3].lower() for api in of_type(found, "AWS::ApiGateway::RestApi")}
    assert told_stages(found) == [
        {"rest_api_id": f"<{api}>", "stage_name": stage_name} for api, stage_name in stages.items()
    ]
    guard = json.loads(text(properties(found, "Custom::ReleaseSlots")["Settings"]))
    assert guard["api_stages"] == told_stages(found)
    prefix = "arn:<AWS::Partition>:apigateway:<AWS::Region>::/restapis"
    for handler in COHORT_HANDLERS:
        granted = [s["Resource"] for s in statements(found, f"{handler}Role") if "apigateway:PATCH" in s["Action"]]
        assert {arn for each in granted for arn in each} == {
            f"{prefix}/<{api}>/stages/{stage_name}" for api, stage_name in stages.items()
        }


def told_stages(resources: Resources) -> Any:
    """Return what the handler that settles is told of stages; the state machine's plan says the same."""
    rule = named(resources, "StackSettled", "AWS::Events::Rule")
    template = text(rule["Targets"][0]["InputTransformer"]["InputTemplate"])
    found = re.search(r'"api_stages":(\[[^]]*\])', template)
    assert found
    plan = text(properties(resources, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    assert found[1] in plan.replace("\\", "")
    return json.loads(found[1])


def test_other_handlers_may_not_change_a_stage(usual: Resources) -> None:
    granted = {
        ref["Ref"]
        for policy in of_type(usual, "AWS::IAM::Policy").values()
        if "apigateway:PATCH" in json.dumps(policy)
        for ref in policy["Properties"]["Roles"]
    }
    assert {role.removeprefix("CanaryHandlers").split("Role")[0] for role in granted} == set(COHORT_HANDLERS)


def test_without_a_front_door_there_is_no_stage_to_tell_of() -> None:
    shop = stack()
    declare(shop)
    found = rendered(shop)
    assert told_stages(found) == []
    assert "api_stages" not in text(properties(found, "Custom::ReleaseSlots")["Settings"])


@pytest.fixture(scope="module")
def endpoint() -> CanaryEndpoint:
    return declare(stack())


@pytest.mark.parametrize(
    ("props", "sentence"),
    [
        ({"stage_name": "a stage"}, "stage_name must be 1 to 128 letters, digits, hyphens or underscores"),
        ({"rate_limit": 0}, "rate_limit must be more than 0 requests a second, got 0"),
        ({"burst_limit": 0}, "burst_limit must be at least 1 request, got 0"),
        ({"content_types": []}, "content_types must name at least one text type, got none"),
        ({"content_types": ["*/*"]}, "a content type must be like application/json, in lower case, got '\\*/\\*'"),
        ({"binary_content_types": ["image/*"]}, "got 'image/\\*'"),
        ({"content_types": ["text/csv; charset=utf-8"]}, "got 'text/csv; charset=utf-8'"),
        ({"binary_content_types": ["application/json"]}, "either text or binary, and named once"),
    ],
)
def test_what_cannot_work_is_refused_at_synth(endpoint: CanaryEndpoint, props: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EndpointApi(Stack.of(endpoint), "FrontDoor", endpoint=endpoint, **props)


def test_a_grant_without_signed_requests_is_refused(endpoint: CanaryEndpoint) -> None:
    shop = Stack.of(endpoint)
    door = EndpointApi(shop, "Keyed", endpoint=endpoint, authorization=ApiAuthorization.api_key())
    with pytest.raises(ValueError, match=r"grant_invoke needs ApiAuthorization\.iam"):
        door.grant_invoke(iam.User(shop, "Caller"))


def test_user_pools_must_be_some() -> None:
    with pytest.raises(ValueError, match=r"^user_pools of ApiAuthorization\.cognito must be one or more, got none$"):
        ApiAuthorization.cognito()


@pytest.mark.parametrize("kind", ["iam", "api_key", "cognito"])
def test_cdk_nag_finds_nothing_that_is_not_acknowledged(kind: str, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    shop = Stack(app, "Shop")
    authorization = getattr(ApiAuthorization, kind)
    pools = [cognito.UserPool.from_user_pool_id(shop, "Users", "eu-central-1_shop")] if kind == "cognito" else []
    binary = ["application/octet-stream"]
    front_door(shop, authorization=authorization(*pools), binary_content_types=binary, account_logging=kind == "iam")
    app.synth()
    assert json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"] == []


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    front_door(Stack(app, "Shop"), authorization=ApiAuthorization.api_key())
    app.synth()
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    assert linter
    command = [linter, "--ignore-checks", "W3005", "--", str(tmp_path / "Shop.template.json")]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own template
    assert (linted.returncode, linted.stdout) == (0, "")


def test_two_synths_are_identical(usual: Resources) -> None:
    assert resources_with() == usual


def test_a_private_front_door_can_stand_behind_a_load_balancer() -> None:
    """As docs/decisions/load-balancer.md shows."""
    shop = stack()
    vpc = ec2.Vpc(shop, "Vpc")
    vpc_endpoint = vpc.add_interface_endpoint("Apis", service=ec2.InterfaceVpcEndpointAwsService.APIGATEWAY)
    door = front_door(shop, endpoint_type=apigateway.EndpointType.PRIVATE)
    door.rest_api.grant_invoke_from_vpc_endpoints_only([vpc_endpoint])
    api = properties(rendered(shop), "AWS::ApiGateway::RestApi")
    assert api["EndpointConfiguration"]["Types"] == ["PRIVATE"]
    assert "aws:SourceVpce" in json.dumps(api["Policy"])


def test_a_private_front_door_that_nobody_may_call_fails_the_synth() -> None:
    with pytest.raises(RuntimeError, match=r"endpoint_type PRIVATE needs a policy, .* deploys no private API: say who"):
        resources_with(endpoint_type=apigateway.EndpointType.PRIVATE)
