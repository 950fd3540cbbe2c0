"""Release machine-learning models on SageMaker endpoints step by step, with AWS CDK."""

from canary_construct.canary_endpoint import CanaryEndpoint
from canary_construct.front_door.authorization import ApiAuthorization
from canary_construct.front_door.endpoint_api import EndpointApi
from canary_construct.hosting.adopted import BareEndpoint
from canary_construct.pipeline.rollout_step import rollout_step
from canary_construct.props.adoption import Adoption
from canary_construct.props.alarm_thresholds import AlarmThresholds
from canary_construct.props.cohort_rule import CohortRule
from canary_construct.props.container import Container, PrivateRegistry, S3Prefix
from canary_construct.props.data_capture import CaptureMode, DataCapture
from canary_construct.props.fleet_update import FleetUpdate
from canary_construct.props.gate import Gate
from canary_construct.props.handler_settings import HandlerSettings
from canary_construct.props.hold_back import HoldBack
from canary_construct.props.instance_scaling import InstanceScaling
from canary_construct.props.model_hosting import ModelHosting, RoutingStrategy
from canary_construct.props.model_package import on_approved_package
from canary_construct.props.model_release import ModelRelease
from canary_construct.props.on_inconclusive import OnInconclusive
from canary_construct.props.rollout_window import RolloutWindow
from canary_construct.props.scaling_metric import MetricStatistic, ScalingMetric
from canary_construct.props.scheduled_minimum import ScheduledMinimum, Weekday
from canary_construct.props.slot import Slot
from canary_construct.props.smoke_test import SmokeTest
from canary_construct.props.traffic_routing import TrafficRouting
from canary_construct.props.traffic_step import TrafficStep

__all__ = [
    "Adoption",
    "AlarmThresholds",
    "ApiAuthorization",
    "BareEndpoint",
    "CanaryEndpoint",
    "CaptureMode",
    "CohortRule",
    "Container",
    "DataCapture",
    "EndpointApi",
    "FleetUpdate",
    "Gate",
    "HandlerSettings",
    "HoldBack",
    "InstanceScaling",
    "MetricStatistic",
    "ModelHosting",
    "ModelRelease",
    "OnInconclusive",
    "PrivateRegistry",
    "RolloutWindow",
    "RoutingStrategy",
    "S3Prefix",
    "ScalingMetric",
    "ScheduledMinimum",
    "Slot",
    "SmokeTest",
    "TrafficRouting",
    "TrafficStep",
    "Weekday",
    "on_approved_package",
    "rollout_step",
]
