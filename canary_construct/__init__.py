"""Release machine-learning models on SageMaker endpoints step by step, with AWS CDK."""

from canary_construct.alarm_thresholds import AlarmThresholds
from canary_construct.canary_endpoint import CanaryEndpoint
from canary_construct.cohort_rule import CohortRule
from canary_construct.endpoint_api import EndpointApi
from canary_construct.endpoint_api_authorization import ApiAuthorization
from canary_construct.gate import Gate
from canary_construct.instance_scaling import InstanceScaling
from canary_construct.model_release import ModelRelease
from canary_construct.on_inconclusive import OnInconclusive
from canary_construct.slots import Slot
from canary_construct.smoke_test import SmokeTest
from canary_construct.traffic_routing import TrafficRouting
from canary_construct.traffic_step import TrafficStep

__all__ = [
    "AlarmThresholds",
    "ApiAuthorization",
    "CanaryEndpoint",
    "CohortRule",
    "EndpointApi",
    "Gate",
    "InstanceScaling",
    "ModelRelease",
    "OnInconclusive",
    "Slot",
    "SmokeTest",
    "TrafficRouting",
    "TrafficStep",
]
