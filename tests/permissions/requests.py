"""What IAM is asked when a handler makes a call: action, resource and the condition keys that policies here read.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.sagemaker.arns import sagemaker_arn
from tests.lambdas.fakes.aws import Aws, Call
from tests.lambdas.fakes.boto_clients import ACCOUNT, REGION, Parameters

PLACE = Place(account=ACCOUNT, region=REGION)
PACKAGE = "ModelPackageName"
"""Names a version by its ARN."""
NAMED = (("EndpointName", "endpoint"), ("EndpointConfigName", "endpoint-config"), ("ModelName", "model"))
ASKED_FOR_SCALING = ("DescribeEndpoint", "DescribeEndpointConfig", "UpdateEndpointWeightsAndCapacities")
"""What Application Auto Scaling asks the caller to be allowed before it registers a variant: of the endpoint, and
of a resource of its own choice, since AWS does not say which one it names. Sources:
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html"""
BY_A_SERVICE = (("aws:viaawsservice", "true"),)
"""The condition key of calls that AWS makes with the permissions of its caller. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-viaawsservice"""
SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
OF_POLICIES = {
    "PutScalingPolicy": ("PutMetricAlarm", "DescribeAlarms"),
    "DeleteScalingPolicy": ("DeleteAlarms", "DescribeAlarms"),
}
"""What CloudWatch is asked for a policy of target tracking."""

_SCALED = re.compile(r"endpoint/([^/]+)/variant/")
_QUERIED = re.compile(r"\bendpoint = (:\w+)")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One question to IAM.

    Attributes:
        resource: an ARN, or `*` for an action that knows no resource.
        keys: condition keys, in lower case, with their values.
        called: whether the handler makes this call; otherwise AWS only asks whether it might.
    """

    action: str
    resource: str = "*"
    keys: tuple[tuple[str, str], ...] = ()
    called: bool = True


def requests_of(aws: Aws, call: Call) -> list[Request]:
    """Return everything that the caller must be allowed."""
    return list(_BY_SERVICE[call.service](aws, call))


def _dynamodb(_: Aws, call: Call) -> Iterator[Request]:
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{call.parameters['TableName']}"
    keys = (("dynamodb:leadingkeys", _leading_key(call.parameters)),)
    yield Request(action=f"dynamodb:{call.operation}", resource=table, keys=keys)


def _leading_key(parameters: Parameters) -> str:
    """Return the partition key of the one item, or of the items that a query looks for."""
    item = parameters.get("Key") or parameters.get("Item")
    if item is None:
        (name,) = _QUERIED.findall(parameters["KeyConditionExpression"])
        item = {"endpoint": parameters["ExpressionAttributeValues"][name]}
    key: str = item["endpoint"]["S"]
    return key


def _sagemaker(aws: Aws, call: Call) -> Iterator[Request]:
    if call.operation.startswith("List"):
        yield Request(action=f"sagemaker:{call.operation}")
        return
    if PACKAGE in call.parameters:
        yield Request(action=f"sagemaker:{call.operation}", resource=call.parameters[PACKAGE])
        return
    ((member, kind),) = [(member, kind) for member, kind in NAMED if member in call.parameters]
    arn = sagemaker_arn(PLACE, kind, call.parameters[member])
    yield Request(action=f"sagemaker:{call.operation}", resource=arn, keys=_tags(aws, arn))


def _tags(aws: Aws, arn: str) -> tuple[tuple[str, str], ...]:
    tags = [tag for tagged, tags in aws.sagemaker.tags.all() if tagged == arn for tag in tags]
    return tuple((f"aws:resourcetag/{tag['Key'].lower()}", tag["Value"]) for tag in tags)


def _scaling(aws: Aws, call: Call) -> Iterator[Request]:
    action = f"application-autoscaling:{call.operation}"
    if call.operation.startswith("Describe"):
        yield Request(action=action)
        return
    target = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/1234abcd56ab78cd901ef1234567890ab123"
    keys = {
        "application-autoscaling:service-namespace": call.parameters["ServiceNamespace"],
        "application-autoscaling:scalable-dimension": call.parameters["ScalableDimension"],
    }
    yield Request(action=action, resource=target, keys=tuple(keys.items()))
    yield from _beside_scaling(aws, call)
    if call.operation != "RegisterScalableTarget":
        return
    (endpoint,) = _SCALED.findall(call.parameters["ResourceId"])
    for asked in ASKED_FOR_SCALING:
        kind = "endpoint-config" if asked.endswith("Config") else "endpoint"
        yield Request(action=f"sagemaker:{asked}", resource=sagemaker_arn(PLACE, kind, endpoint), called=False)
        dummy = sagemaker_arn(PLACE, kind, "a-name-of-their-own")
        yield Request(action=f"sagemaker:{asked}", resource=dummy, keys=BY_A_SERVICE, called=False)


def _beside_scaling(aws: Aws, call: Call) -> Iterator[Request]:
    """Yield what AWS asks beside it: the role of the first target of an account, and the alarms of a policy. Sources:
    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
    """
    operation, known = call.operation, aws.sagemaker.scaling.describe_targets({})["ScalableTargets"]
    if operation == "RegisterScalableTarget" and not known:
        role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{SCALING_SERVICE}/{SCALING_ROLE}"
        keys = (("iam:awsservicename", SCALING_SERVICE),)
        yield Request(action="iam:CreateServiceLinkedRole", resource=role, keys=keys, called=False)
    for action in OF_POLICIES.get(operation, ()):
        alarm = f"TargetTracking-{call.parameters['ResourceId']}-AlarmHigh-01234567-89ab-cdef-0123-456789abcdef"
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"
        yield Request(action=f"cloudwatch:{action}", resource=arn, keys=BY_A_SERVICE, called=False)


def _cloudwatch(_: Aws, call: Call) -> Iterator[Request]:
    namespace = call.parameters.get("Namespace")
    keys = () if namespace is None else (("cloudwatch:namespace", namespace),)
    yield Request(action=f"cloudwatch:{call.operation}", keys=keys)


def _step_functions(_: Aws, call: Call) -> Iterator[Request]:
    arn = call.parameters.get("stateMachineArn") or call.parameters["executionArn"]
    yield Request(action=f"states:{call.operation}", resource=arn)


def _events(_: Aws, call: Call) -> Iterator[Request]:
    for entry in call.parameters["Entries"]:
        bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{entry.get('EventBusName', 'default')}"
        yield Request(action=f"events:{call.operation}", resource=bus)


def _cloudformation(_: Aws, call: Call) -> Iterator[Request]:
    yield Request(action=f"cloudformation:{call.operation}", resource=call.parameters["StackName"])


def _tagging(_: Aws, call: Call) -> Iterator[Request]:
    yield Request(action=f"tag:{call.operation}")


def _api_gateway(_: Aws, call: Call) -> Iterator[Request]:
    assert call.operation == "UpdateStage"
    stage = f"/restapis/{call.parameters['restApiId']}/stages/{call.parameters['stageName']}"
    yield Request(action="apigateway:PATCH", resource=f"arn:aws:apigateway:{REGION}::{stage}")


_BY_SERVICE: dict[str, Callable[[Aws, Call], Iterator[Request]]] = {
    "dynamodb": _dynamodb,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": _sagemaker,
    "application-autoscaling": _scaling,
    "cloudwatch": _cloudwatch,
    "stepfunctions": _step_functions,
    "events": _events,
    "cloudformation": _cloudformation,
    "resourcegroupstaggingapi": _tagging,
    "apigateway": _api_gateway,
}
