"""A VPC without any way to the internet, with an endpoint of each AWS service that is called from within."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

CIDR = "10.20.0.0/22"
AWS = ec2.InterfaceVpcEndpointAwsService
FOR_HANDLERS = {
    "application-autoscaling": AWS.APPLICATION_AUTOSCALING,
    "cloudformation": AWS.CLOUDFORMATION,
    "cloudwatch": AWS.CLOUDWATCH_MONITORING,
    "ec2": AWS.EC2,
    "events": AWS.EVENTBRIDGE,
    "logs": AWS.CLOUDWATCH_LOGS,
    "sagemaker": AWS.SAGEMAKER_API,
    "sns": AWS.SNS,
    "states": AWS.STEP_FUNCTIONS,
    "tag": AWS.TAGGING,
}
"""By the prefix of the actions in docs/permissions.md; `sns` is for the
`notification_topic`. `dynamodb`, and S3 by which CloudFormation is answered, have
gateways. A front door (`EndpointApi`) needs `AWS.APIGATEWAY` too. Source:
https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"""
ALSO_CALLED = {"sagemaker-runtime": AWS.SAGEMAKER_RUNTIME, "ecr": AWS.ECR, "ecr-docker": AWS.ECR_DOCKER}
"""The smoke test calls the endpoint; instances pull their image. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html"""
GATEWAYS = {"dynamodb": ec2.GatewayVpcEndpointAwsService.DYNAMODB, "s3": ec2.GatewayVpcEndpointAwsService.S3}


def isolated_network(scope: Construct, *, key: kms.IKey) -> ec2.Vpc:
    """Declare two isolated subnets, flow logs under a key, and the endpoints; only HTTPS of the VPC reaches them."""
    vpc = ec2.Vpc(
        scope,
        "Network",
        ip_addresses=ec2.IpAddresses.cidr(CIDR),
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
        ],
    )
    _flow_logs(vpc, key)
    for name, gateway in GATEWAYS.items():
        vpc.add_gateway_endpoint(name, service=gateway)
    callers = ec2.SecurityGroup(vpc, "Endpoints", vpc=vpc, allow_all_outbound=False, description="Services of AWS")
    callers.add_ingress_rule(ec2.Peer.ipv4(CIDR), ec2.Port.tcp(443), "HTTPS of the VPC")
    for name, service in {**FOR_HANDLERS, **ALSO_CALLED}.items():
        vpc.add_interface_endpoint(name, service=service, security_groups=[callers], open=False)
    return vpc


def _flow_logs(vpc: ec2.Vpc, key: kms.IKey) -> None:
    group = logs.LogGroup(
        vpc,
        "FlowLogs",
        encryption_key=key,
        retention=logs.RetentionDays.ONE_YEAR,
        removal_policy=RemovalPolicy.RETAIN,
    )
    role = iam.Role(vpc, "FlowLogRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
    vpc.add_flow_log("Flow", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role))
