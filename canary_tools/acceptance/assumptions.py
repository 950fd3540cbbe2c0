"""The table: what this library and its local AWS take for granted and no document of AWS states."""

from collections.abc import Callable

from canary_tools.acceptance.probes import deploying, endpoint, fine_points, front_door, metrics, permissions, scaling
from canary_tools.acceptance.questions import Assumption, Moment, Value
from canary_tools.aws_models.undocumented import Percentile

_EVALUATE = "rollout.handlers.evaluate"
_SOURCES = "rollout.evidence.sources"
_READER = "rollout.evidence.reader"
_SLOT_METRICS = "canary_construct.watching.slot_metrics"
_ENDPOINT = "rollout.endpoint"
_LOCAL_METRICS = "canary_tools.aws_models.sagemaker.invocation_metrics"
_LOCAL_MATH = "canary_tools.aws_models.cloudwatch.math_values"
_LOCAL_QUERIES = "canary_tools.aws_models.cloudwatch.queries"
_LOCAL_ENDPOINTS = "canary_tools.aws_models.sagemaker.endpoints"
_SETTINGS = "canary_tools.sandbox.emulator.settings"


def _at_most(limit: float) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, (int, float)) and value <= limit


def _one_of(*values: Value) -> Callable[[Value], bool]:
    return lambda value: value in values


def _either(value: Value) -> bool:
    return isinstance(value, bool)


ASSUMPTIONS: tuple[Assumption, ...] = (
    # Metrics
    Assumption(
        key="threshold_counts",
        claim="TC(x:) of ModelLatency may be counted or not; percentiles bracket where it is not",
        relied_on_by=(_SOURCES, _LOCAL_QUERIES),
        expected="either",
        as_expected=_either,
        probe=metrics.threshold_counts,
        moment=Moment.PROMOTED,
        setting="threshold_statistics",
    ),
    Assumption(
        key="threshold_shares",
        claim="PR(x:) of ModelLatency is answered where TC(x:) is",
        relied_on_by=(_LOCAL_QUERIES,),
        expected="either",
        as_expected=_either,
        probe=metrics.threshold_shares,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="count_in_empty_range",
        claim="TC() may count 0 or nothing in a range without a sample, in a period that has samples",
        relied_on_by=(_SOURCES, "canary_tools.aws_models.cloudwatch.statistics"),
        expected="zero or nothing",
        as_expected=_one_of("zero", "nothing"),
        probe=metrics.count_above_all,
        moment=Moment.PROMOTED,
        setting="empty_range",
    ),
    Assumption(
        key="counts_add_up",
        claim="TC(x:) and TC(:x) together count all requests",
        relied_on_by=(_SOURCES, "canary_tools.aws_models.cloudwatch.statistics"),
        expected="yes",
        probe=metrics.counts_add_up,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="percentiles",
        claim="percentiles of ModelLatency are answered, with two decimals, and its minimum and maximum",
        relied_on_by=(_SOURCES, _SLOT_METRICS),
        expected="all of them",
        probe=metrics.percentiles,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="percentile_of_few",
        claim="a percentile of few values is one of them, or lies between two",
        relied_on_by=(_SOURCES, "canary_tools.aws_models.cloudwatch.statistics"),
        expected="one of them or between two of them",
        as_expected=_one_of(*map(str, Percentile)),
        probe=metrics.percentile_of_few,
        moment=Moment.PROMOTED,
        setting="percentile",
    ),
    Assumption(
        key="idle_variant_metrics",
        claim="a variant without requests may publish zeros or nothing",
        relied_on_by=(_READER, "canary_construct.watching.slot_alarms", _LOCAL_METRICS),
        expected="zeros, some zeros or nothing",
        as_expected=_one_of("zeros", "some zeros", "nothing"),
        probe=metrics.zeros_without_traffic,
        moment=Moment.PROMOTED,
        setting="idle_variant",
    ),
    Assumption(
        key="errors_as_zeros",
        claim="a period with requests and without failures has error counts of 0",
        relied_on_by=(_SOURCES, _LOCAL_METRICS),
        expected="all three counts are there",
        probe=metrics.errors_are_published_as_zeros,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="failures_are_counted",
        claim="each failure of a model is one InvocationModelErrors, and no Invocation4XXErrors",
        relied_on_by=(_SOURCES, _SLOT_METRICS, _LOCAL_METRICS),
        expected="all failures",
        probe=metrics.failures_are_counted,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="longest_metric_delay_seconds",
        claim="a metric period is visible two periods after its end",
        relied_on_by=(_EVALUATE, "canary_construct.watching.slot_alarms", _SETTINGS),
        expected="at most 120 s",
        as_expected=_at_most(120),
        probe=metrics.delay,
    ),
    Assumption(
        key="usual_metric_delay_seconds",
        claim="an alarm usually sees a metric period 90 s after its end",
        relied_on_by=("canary_construct.review.reaction_times", _SETTINGS),
        expected="at most 90 s",
        as_expected=_at_most(90),
        probe=metrics.usual_delay,
        setting="metric_delay_seconds",
    ),
    Assumption(
        key="shortest_metric_delay_seconds",
        claim="a metric period is not visible before its end",
        relied_on_by=(_READER,),
        expected="0 s or more",
        as_expected=lambda value: isinstance(value, (int, float)) and value >= 0,
        probe=metrics.shortest_delay,
    ),
    Assumption(
        key="slots_apart_seconds",
        claim="the two variants' values of one period may come at different times",
        relied_on_by=(_READER, _SLOT_METRICS),
        expected="at most 60 s apart",
        as_expected=_at_most(60),
        probe=metrics.slots_come_together,
    ),
    Assumption(
        key="values_change_for_seconds",
        claim="a value that is visible changes for less than two periods",
        relied_on_by=(_EVALUATE,),
        expected="at most 120 s",
        as_expected=_at_most(120),
        probe=metrics.values_change_later,
    ),
    Assumption(
        key="values_in_parts",
        claim="a value that is visible may still change",
        relied_on_by=(_EVALUATE, _LOCAL_METRICS),
        expected="either",
        as_expected=_either,
        probe=metrics.values_in_parts,
        setting="values_in_parts",
    ),
    Assumption(
        key="periods_in_order",
        claim="a metric's later period may be visible before an earlier one",
        relied_on_by=(_READER, _LOCAL_METRICS),
        expected="either",
        as_expected=_either,
        probe=metrics.periods_in_order,
        setting="periods_in_order",
    ),
    Assumption(
        key="fill_of_nothing",
        claim="FILL() of a series without a point may give a series or nothing",
        relied_on_by=(_SLOT_METRICS, _LOCAL_MATH),
        expected="either",
        as_expected=_one_of("series", "nothing"),
        probe=metrics.fill_of_nothing,
        moment=Moment.PROMOTED,
        setting="fill_of_nothing",
    ),
    Assumption(
        key="empty_operand",
        claim="arithmetic may take a series without a point for zeros, or drop the periods",
        relied_on_by=(_LOCAL_MATH,),
        expected="zero or drops",
        as_expected=_one_of("zero", "drops"),
        probe=metrics.sum_with_nothing,
        moment=Moment.PROMOTED,
        setting="empty_operand",
    ),
    Assumption(
        key="division_by_zero_drops",
        claim="a period in which an expression divides by zero has no value",
        relied_on_by=(_SLOT_METRICS, _LOCAL_MATH),
        expected="no values",
        probe=metrics.division_by_zero,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="metrics_at_the_other_period",
        claim="metrics come as often as the endpoint config asks, 10 s included",
        relied_on_by=("canary_construct.hosting.hosting", _LOCAL_METRICS),
        expected="yes",
        probe=metrics.metrics_at_the_other_period,
    ),
    Assumption(
        key="fine_points_from_before_their_time",
        claim="a query of points under a minute that starts over three hours ago may have points, none or an error",
        relied_on_by=(_READER, _LOCAL_QUERIES),
        expected="points, nothing or an error",
        as_expected=_one_of("points", "nothing", "refused"),
        probe=fine_points.asked_from_before_their_time,
        moment=Moment.PROMOTED,
        setting="old_query",
    ),
    # The endpoint
    Assumption(
        key="weight_change_is_an_update",
        claim="a call that changes only weights puts the endpoint into Updating",
        relied_on_by=(_ENDPOINT, "canary_tools.aws_models.sagemaker.capacity_change"),
        expected="Updating",
        probe=endpoint.weight_change_status,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    Assumption(
        key="weight_update_seconds",
        claim="a change of weights is in force within two minutes",
        relied_on_by=("canary_construct.rollout.history_budget", _SETTINGS),
        expected="at most 120 s",
        as_expected=_at_most(120),
        probe=endpoint.weight_change_seconds,
        moment=Moment.FIRST_RELEASE_SERVES,
        setting="weight_update_seconds",
    ),
    Assumption(
        key="in_progress_words",
        claim='a change that collides is refused with "Cannot update in-progress endpoint"',
        relied_on_by=(_ENDPOINT, "rollout.scaling", _LOCAL_ENDPOINTS),
        expected="the words in-progress endpoint",
        probe=endpoint.in_progress_refusal,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    Assumption(
        key="weights_are_exact",
        claim="whole weights survive SageMaker's 32-bit floats",
        relied_on_by=(_ENDPOINT,),
        expected="whole numbers",
        probe=endpoint.weights_are_exact,
    ),
    Assumption(
        key="desired_values_are_told",
        claim="DescribeEndpoint may tell desired weights and counts of an endpoint in service, or leave them out",
        relied_on_by=(_ENDPOINT, "canary_tools.aws_models.sagemaker.endpoint"),
        expected="either",
        as_expected=_either,
        probe=endpoint.desired_values_are_told,
        setting="desired_values_are_told",
    ),
    Assumption(
        key="variants_in_order",
        claim="DescribeEndpoint may list variants in any order",
        relied_on_by=(_ENDPOINT, "canary_tools.aws_models.sagemaker.endpoint"),
        expected="either",
        as_expected=_either,
        probe=endpoint.variants_in_order,
        setting="variants_in_order",
    ),
    Assumption(
        key="target_variant_at_weight_zero",
        claim="TargetVariant reaches a variant of weight 0, and the answer names it",
        relied_on_by=("rollout.handlers.smoke_test", "canary_tools.aws_models.sagemaker.routing"),
        expected="that variant answers",
        probe=endpoint.target_variant_at_weight_zero,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    Assumption(
        key="failing_model",
        claim="a request that the model fails is a ModelError",
        relied_on_by=("rollout.handlers.smoke_test", "canary_tools.sandbox.sagemaker.runtime"),
        expected="every one",
        probe=endpoint.failing_model,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    Assumption(
        key="nothing_at_weight_zero",
        claim="a variant of weight 0 gets no request",
        relied_on_by=("rollout.exposure", "canary_tools.aws_models.sagemaker.routing"),
        expected="none",
        probe=endpoint.nothing_at_weight_zero,
        moment=Moment.ON_TRIAL,
    ),
    Assumption(
        key="share_follows_weights",
        claim="requests are split at random by the weights",
        relied_on_by=("rollout.gates.traffic", "canary_tools.aws_models.sagemaker.routing"),
        expected="half of them, as far as chance allows",
        probe=endpoint.share_follows_weights,
        moment=Moment.PROMOTED,
    ),
    Assumption(
        key="weights_survive_an_update",
        claim="RetainAllVariantProperties keeps the live weights by variant name",
        relied_on_by=("canary_construct.hosting.hosting", "canary_tools.aws_models.sagemaker.variants"),
        expected="the weights of before",
        probe=endpoint.weights_survive_an_update,
    ),
    Assumption(
        key="pending_update_is_told",
        claim="an endpoint on its way to another config is Updating, tells PendingDeploymentSummary and its old config",
        relied_on_by=(_ENDPOINT, "rollout.handlers.shift_traffic"),
        expected="in every update",
        probe=endpoint.pending_update_is_told,
    ),
    Assumption(
        key="fleet_update_seconds",
        claim="an update of the fleet takes less than half an hour",
        relied_on_by=(_SETTINGS,),
        expected="at most 1,800 s",
        as_expected=_at_most(1800),
        probe=endpoint.update_seconds,
        setting="fleet_update_seconds",
    ),
    Assumption(
        key="no_request_is_lost",
        claim="updates and changes of weights lose no request",
        relied_on_by=("canary_construct.canary_endpoint", "canary_tools.aws_models.sagemaker.fleet_deployment"),
        expected="none",
        probe=endpoint.no_request_is_lost,
    ),
    Assumption(
        key="deregister_words",
        claim='a new instance type for a scaled variant is refused with "must be deregistered"',
        relied_on_by=("rollout.handlers.release_slots", _LOCAL_ENDPOINTS),
        expected="the word deregister",
        probe=endpoint.instance_type_of_a_scaled_variant,
    ),
    Assumption(
        key="key_for_local_storage",
        claim="a key may be refused or taken for instances with NVMe storage",
        relied_on_by=("canary_construct.hosting.hosting",),
        expected="either",
        as_expected=_one_of("refused", "taken"),
        probe=endpoint.key_for_local_storage,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    # Scaling
    Assumption(
        key="bounds_move_the_count",
        claim="bounds that exclude the count move it at once",
        relied_on_by=("rollout.scaling", "canary_tools.aws_models.autoscaling.scaling"),
        expected="one more instance",
        probe=scaling.bounds_move_the_count,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    Assumption(
        key="instance_launch_seconds",
        claim="one more instance serves within ten minutes",
        relied_on_by=("canary_construct.rollout.history_budget", _SETTINGS),
        expected="at most 600 s",
        as_expected=_at_most(600),
        probe=scaling.launch_seconds,
        moment=Moment.FIRST_RELEASE_SERVES,
        setting="instance_launch_seconds",
    ),
    Assumption(
        key="scaling_collision",
        claim="a registration may be taken or refused, in words that are known, while the endpoint changes",
        relied_on_by=("rollout.scaling", "canary_tools.aws_models.autoscaling.scaling"),
        expected="taken, or refused in words that are known",
        as_expected=_one_of("taken", "refused"),
        probe=scaling.collision,
        moment=Moment.FIRST_RELEASE_SERVES,
        setting="scaling_collision",
    ),
    Assumption(
        key="handlers_may_register",
        claim="what the handlers may do, on their endpoint and on any in calls that AWS makes for them, lets them "
        "register their scalable targets",
        relied_on_by=("canary_construct.permissions.by_handler", "canary_tools.sandbox.iam.enforcement"),
        expected="both variants are registered anew",
        probe=scaling.handlers_may_register,
        moment=Moment.ON_TRIAL,
    ),
    Assumption(
        key="narrow_registration",
        claim="a registration may be taken or refused from a role with the SageMaker actions on the endpoint alone",
        relied_on_by=("canary_construct.permissions.by_handler",),
        expected="either; if it is taken, the handlers need no wider resource",
        as_expected=_one_of("taken", "refused"),
        probe=permissions.narrow_registration,
        moment=Moment.PROMOTED,
    ),
    # Deploys
    Assumption(
        key="tags_update_the_endpoint",
        claim="a change of tags alone updates the endpoint",
        relied_on_by=("canary_construct.hosting.hosting", "canary_tools.sandbox.sagemaker_types.endpoint_type"),
        expected="yes",
        probe=deploying.tags_update_the_endpoint,
    ),
    Assumption(
        key="tags_call_the_guard",
        claim="a change of tags alone calls the guard, whose digest is of what is rendered",
        relied_on_by=("canary_construct.hosting.deploy_guards", "canary_tools.sandbox.cloudformation"),
        expected="yes",
        probe=deploying.tags_call_the_guard,
    ),
    Assumption(
        key="failed_update_is_noticed",
        claim="CloudFormation may notice or miss that SageMaker went back to the old fleet",
        relied_on_by=("canary_construct.hosting.deploy_guards", "canary_tools.sandbox.sagemaker_types.endpoint_type"),
        expected="either",
        as_expected=_either,
        probe=deploying.failed_update_is_noticed,
        setting="cloudformation_notices_failed_update",
    ),
    Assumption(
        key="rollout_starts_after_seconds",
        claim="the stack's terminal event starts the rollout within a minute",
        relied_on_by=("canary_construct.rollout.event_rules", "rollout.handlers.settle", _SETTINGS),
        expected="at most 60 s",
        as_expected=_at_most(60),
        probe=deploying.rollout_starts,
    ),
    Assumption(
        key="stop_is_answered_after_seconds",
        claim="after StopExecution the event brings the traffic back within a minute",
        relied_on_by=("canary_construct.rollout.event_rules", "rollout.handlers.restore"),
        expected="at most 60 s",
        as_expected=_at_most(60),
        probe=deploying.stop_is_answered,
    ),
    Assumption(
        key="alarm_is_answered_after_seconds",
        claim="after an alarm the event brings the traffic back within a minute",
        relied_on_by=("canary_construct.rollout.event_rules", "rollout.handlers.panic"),
        expected="at most 60 s",
        as_expected=_at_most(60),
        probe=deploying.alarm_is_answered,
    ),
    # The front door
    Assumption(
        key="header_in_lower_case",
        claim="API Gateway finds a required header, such as Content-Type, when it comes in lower case",
        relied_on_by=("canary_construct.front_door.endpoint_api", "canary_tools.sandbox.apigateway.parameter_mapping"),
        expected="HTTP 200",
        probe=front_door.header_in_lower_case,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    # Permissions
    Assumption(
        key="policy_delay_seconds",
        claim="a policy takes effect within half a minute",
        relied_on_by=("rollout.handlers.release_slots", "canary_tools.sandbox.iam.enforcement"),
        expected="at most 30 s",
        as_expected=_at_most(30),
        probe=permissions.policy_delay,
        moment=Moment.FIRST_RELEASE_SERVES,
    ),
    # What no caller can provoke, or what costs too much
    Assumption(
        key="put_events_in_part",
        claim="PutEvents that fails in part answers 200 with FailedEntryCount and an ErrorCode for each entry",
        relied_on_by=("rollout.notices",),
        expected="as its API reference says",
        unasked="a caller cannot provoke it",
    ),
    Assumption(
        key="event_duplicates",
        claim="EventBridge delivers an event once or more",
        relied_on_by=("canary_tools.sandbox.events.delivery",),
        expected="once or more",
        unasked="a caller cannot provoke it",
    ),
    Assumption(
        key="control_plane_rate",
        claim="SageMaker takes a few changing calls a second",
        relied_on_by=("canary_tools.aws_models.api.throttle",),
        expected="five a second",
        unasked="to find the limit is to take it away from everybody in the account",
        setting="changing_calls_per_second",
    ),
    Assumption(
        key="type_right_after_deregistering",
        claim="a variant gets another instance type some seconds after its scaling target was deregistered",
        relied_on_by=("rollout.retyping", "canary_tools.aws_models.autoscaling.scaling"),
        expected="the update is taken",
        unasked="it needs instances of a second type, and one more update of the fleet",
        setting="deregistration_seconds",
    ),
    Assumption(
        key="hosting_of_a_scaled_variant",
        claim="a variant that is a scaling target gets other time-outs, another volume, AMI and routing",
        relied_on_by=("canary_construct.hosting.slot_hosting", _LOCAL_ENDPOINTS),
        expected="the update is taken",
        unasked="it needs one more update of the fleet",
    ),
    Assumption(
        key="endpoint_can_be_imported",
        claim="CloudFormation imports an endpoint into a stack; its sources contradict each other",
        relied_on_by=("canary_construct.hosting.adopted", "canary_tools.sandbox.sagemaker_types.endpoint_import"),
        expected="yes",
        unasked="it needs an endpoint that was made before the stack",
        setting="cloudformation_imports_endpoints",
    ),
    Assumption(
        key="fleet_goes_back_for_an_alarm",
        claim="an alarm in ALARM while the fleet is swapped leaves the endpoint InService on the config of before",
        relied_on_by=("rollout.handlers.verified_endpoint", "canary_tools.aws_models.sagemaker.fleet_swap"),
        expected="yes, whether FailureReason says so or not",
        unasked="it needs one more update of the fleet, with its waits",
    ),
    Assumption(
        key="steps_of_a_small_fleet",
        claim="a part of a variant with one instance is taken as the size of a step when the fleet is swapped",
        relied_on_by=("canary_construct.props.fleet_update", "canary_tools.aws_models.sagemaker.fleet_swap"),
        expected="the update is taken",
        unasked="it needs one more update of the fleet, with its waits",
    ),
    Assumption(
        key="interfaces_outlive_the_endpoint",
        claim="SageMaker's network interfaces outlive the endpoint and block security groups and subnets",
        relied_on_by=("canary_construct.hosting.model_network",),
        expected="for minutes",
        unasked="the stack has no VPC, which would double what the run takes",
    ),
)  # fmt: skip
"""In the order in which they are reported."""


def asked_at(moment: Moment) -> tuple[Assumption, ...]:
    """Return the assumptions whose question belongs to a moment."""
    return tuple(assumption for assumption in ASSUMPTIONS if assumption.moment is moment)
