"""A SageMaker endpoint that gives a new release its traffic step by step."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct
from rollout.contract.plan import ApiStage

from canary_construct.border import checked
from canary_construct.border.resources import refuse_unfit_topic
from canary_construct.handlers.cohort_permissions import allow_cohort_changes
from canary_construct.handlers.functions import Handlers
from canary_construct.hosting.adopted import check_release, waiting_endpoint
from canary_construct.hosting.deploy_guards import release_slots, verified_endpoint
from canary_construct.hosting.endpoint import endpoint, endpoint_config
from canary_construct.hosting.endpoint_name import default_endpoint_name, refuse_second
from canary_construct.hosting.fleet_guardrail import FleetGuardrail
from canary_construct.hosting.guarded import Guarded, release_properties
from canary_construct.hosting.hosting import Hosting
from canary_construct.hosting.model import model, registry_credentials
from canary_construct.hosting.model_archive import kept_archives, model_archives
from canary_construct.hosting.model_network import allow_seeing_interfaces, own_group, vpc_config
from canary_construct.hosting.model_roles import ModelRoles
from canary_construct.hosting.model_sources import ModelSources
from canary_construct.hosting.not_for import refuse_renamed, refuse_unfit
from canary_construct.hosting.places import refuse_other_places
from canary_construct.hosting.removal import is_kept, keep_what_serves
from canary_construct.hosting.slot_hosting import slot_hosting
from canary_construct.permissions.endpoint_scope import stack_mark
from canary_construct.permissions.operator import OPERATE
from canary_construct.props.alarm_thresholds import AlarmThresholds
from canary_construct.props.gate import default_gates
from canary_construct.props.instance_scaling import InstanceScaling
from canary_construct.props.on_inconclusive import OnInconclusive
from canary_construct.props.slot import Slot
from canary_construct.props.traffic_routing import TrafficRouting
from canary_construct.review.plan_review import PlanReview
from canary_construct.rollout import event_rules as rules
from canary_construct.rollout.gates import RolloutGates
from canary_construct.rollout.panic_rules import PanicRules
from canary_construct.rollout.plan import RolloutPlan
from canary_construct.rollout.settings import EndpointSettings
from canary_construct.rollout.state_machine import RolloutStateMachine
from canary_construct.rollout.timeouts import Timeouts
from canary_construct.watching.dashboard import RolloutWidget, SlotDashboard
from canary_construct.watching.found_by import found_by
from canary_construct.watching.outputs import dashboard_address, executions_address, tell_where_it_is
from canary_construct.watching.rollout_alarms import RolloutAlarms
from canary_construct.watching.slot_metrics import SlotMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration, RemovalPolicy

    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.props.adoption import Adoption
    from canary_construct.props.data_capture import DataCapture
    from canary_construct.props.fleet_update import FleetUpdate
    from canary_construct.props.gate import Gate
    from canary_construct.props.handler_settings import HandlerSettings
    from canary_construct.props.hold_back import HoldBack
    from canary_construct.props.model_hosting import ModelHosting
    from canary_construct.props.model_release import ModelRelease
    from canary_construct.props.rollout_window import RolloutWindow
    from canary_construct.props.smoke_test import SmokeTest


@checked(deploy_time=("expected_rps",))
class CanaryEndpoint(Construct):
    """A SageMaker endpoint with two variants, and a state machine that shifts traffic between them.

    Change `release` and deploy: the new model goes into the idle variant at weight 0, and a Step Functions
    execution then raises its share as the evidence allows, or rolls it back. The first release of an endpoint
    serves at once.

    Args:
        scope: the stack or construct that holds the endpoint
        construct_id: unique in `scope`. With another one CloudFormation replaces everything: keep it
        release: the model to serve (`ModelRelease`); left out only in the first deploy of an endpoint that is
            adopted
        instance_type: of every release that has none of its own, such as "ml.m5.xlarge". It cannot change while the
            endpoint lives; a release may have another one
        adopt: a live endpoint of this name that the stack has imported (`Adoption`); left out, the stack makes one
        removal_policy: `RETAIN` lets the endpoint serve on when it leaves the stack, with its config, models, role
            and scaling; left out, an adopted endpoint stays and every other is deleted
        hosting: time-outs, volume, AMI and routing of the instances (`ModelHosting`); left out, SageMaker's choice.
            A variant keeps the values that its release was started with. A release may override each value that is
            set here
        endpoint_name: lower-case, unless it is adopted; left out, it is made of stack name and construct address
        scaling: instances per role, for every release that has no `scaling` of its own; left out, a fixed fleet of
            1 and 1 idle
        routing: how the share rises; left out, paced by a harm budget of 100 requests, through 10, 50, 95 and 100 %
        gates: what compares the new model with the one that serves; left out, error rate and latency
        alpha: the chance that all gates together roll back a healthy release, over a whole rollout; default 0.01
        require_proof: a step passes only when every gate has proven that the new model does no harm, which takes
            long; default `False`
        alarms: your own, at most 98; a rollout rolls back when one is in ALARM, and waits while one has no data
        alarm_thresholds: limits of the alarms that each variant has; left out, 25 % failed and 10 s latency
            (`AlarmThresholds`)
        smoke_test: requests that the new model must answer before any user reaches it; left out, there are none
        on_inconclusive: what to do when there is too little evidence at the end of `max_bake`; default: roll back
        rollout_windows: when the share may rise (`RolloutWindow`); left out, at any time. It may fall at any time
        hold_back: a share that the former model keeps for hours after the promotion, while gates and alarms go on
            (`HoldBack`); left out, the former model keeps nothing
        capacity_timeout: how long a rollout waits while no further instance comes, 5 minutes to 2 hours; left out,
            20 minutes. Then it ends without a verdict, and the same version may be tried again
        start_on_deploy: `False` lets the release wait until somebody starts the state machine; default `True`
        metric_period: 10, 30 or 60 seconds; default 60. Below 60 SageMaker's enhanced metrics are turned on, which
            cost extra; not tried on a live account
        expected_rps: requests a second on the whole endpoint; synth then warns of steps that are too short for it
        role: of the models' containers; left out, one is made that reads the image and the model archive
        kept_releases: earlier releases whose archives stay where they are: `cdk gc` deletes archives that no
            template names. Keep a `ModelRelease.from_asset` until it has left both variants
        model_buckets: buckets with archives of earlier releases. The role may read them; SageMaker reads the
            archive of the release that serves again for every new instance
        model_key: the key of all archives, which the role may use; left out, they have none of yours
        vpc: where the containers run; left out, outside of your VPCs. A change reaches the models with the next
            release, and so does one of `vpc_subnets`, `security_groups`, `network_isolation` and `role`
        vpc_subnets: subnets of `vpc`; left out, its private ones
        security_groups: of the containers in `vpc`; left out, one is made
        encryption_key: of the instances' volumes; left out, SageMaker's choice
        network_isolation: `True` lets the containers call nothing outside; default `False`
        data_capture: a share of the requests and answers of both variants, written to S3 (`DataCapture`); left out,
            none
        fleet_update_alarms: at most 10 alarms that SageMaker watches while a deploy swaps the fleet. It goes back,
            and the deploy fails, when one is in ALARM; left out, it watches none
        fleet_update: how it swaps the fleet then (`FleetUpdate`); left out, all at once, watched for 5 minutes
        handlers: runtime, network, encryption and logs of the Lambda functions (`HandlerSettings`); one a stack
        notification_topic: receives a subject and a text at every change of a rollout (docs/events.md)

    Raises:
        TypeError: when an argument is of another type, unknown or missing.
        ValueError: when a value is out of its range, the plan cannot work (with the sentence that says why), or
            another endpoint of the stack has other `handlers`.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: ModelRelease | None = None,
        instance_type: str,
        adopt: Adoption | None = None,
        removal_policy: RemovalPolicy | None = None,
        hosting: ModelHosting | None = None,
        endpoint_name: str | None = None,
        scaling: InstanceScaling | None = None,
        routing: TrafficRouting | None = None,
        gates: Sequence[Gate] | None = None,
        alpha: float = 0.01,
        require_proof: bool = False,
        alarms: Sequence[cloudwatch.IAlarm] = (),
        alarm_thresholds: AlarmThresholds | None = None,
        smoke_test: SmokeTest | None = None,
        on_inconclusive: OnInconclusive = OnInconclusive.ROLL_BACK,
        rollout_windows: Sequence[RolloutWindow] = (),
        hold_back: HoldBack | None = None,
        capacity_timeout: Duration | None = None,
        start_on_deploy: bool = True,
        metric_period: int = 60,
        expected_rps: float | None = None,
        role: iam.IRole | None = None,
        kept_releases: Sequence[ModelRelease] = (),
        model_buckets: Sequence[s3.IBucket] = (),
        model_key: kms.IKey | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        encryption_key: kms.IKey | None = None,
        network_isolation: bool = False,
        data_capture: DataCapture | None = None,
        fleet_update_alarms: Sequence[cloudwatch.IAlarm] = (),
        fleet_update: FleetUpdate | None = None,
        handlers: HandlerSettings | None = None,
        notification_topic: sns.ITopic | None = None,
    ) -> None:
        """Declare a SageMaker endpoint with two variants, and a state machine that shifts traffic between them.

        Args:
            scope: the stack or construct that holds the endpoint
            construct_id: unique in `scope`. With another one CloudFormation replaces everything: keep it
            release: the model to serve (`ModelRelease`); left out only in the first deploy of an endpoint that is
                adopted
            instance_type: of every release that has none of its own, such as "ml.m5.xlarge". It cannot change while the
                endpoint lives; a release may have another one
            adopt: a live endpoint of this name that the stack has imported (`Adoption`); left out, the stack makes one
            removal_policy: `RETAIN` lets the endpoint serve on when it leaves the stack, with its config, models, role
                and scaling; left out, an adopted endpoint stays and every other is deleted
            hosting: time-outs, volume, AMI and routing of the instances (`ModelHosting`); left out, SageMaker's choice.
                A variant keeps the values that its release was started with. A release may override each value that is
                set here
            endpoint_name: lower-case, unless it is adopted; left out, it is made of stack name and construct address
            scaling: instances per role, for every release that has no `scaling` of its own; left out, a fixed fleet of
                1 and 1 idle
            routing: how the share rises; left out, paced by a harm budget of 100 requests, through 10, 50, 95 and 100 %
            gates: what compares the new model with the one that serves; left out, error rate and latency
            alpha: the chance that all gates together roll back a healthy release, over a whole rollout; default 0.01
            require_proof: a step passes only when every gate has proven that the new model does no harm, which takes
                long; default `False`
            alarms: your own, at most 98; a rollout rolls back when one is in ALARM, and waits while one has no data
            alarm_thresholds: limits of the alarms that each variant has; left out, 25 % failed and 10 s latency
                (`AlarmThresholds`)
            smoke_test: requests that the new model must answer before any user reaches it; left out, there are none
            on_inconclusive: what to do when there is too little evidence at the end of `max_bake`; default: roll back
            rollout_windows: when the share may rise (`RolloutWindow`); left out, at any time. It may fall at any time
            hold_back: a share that the former model keeps for hours after the promotion, while gates and alarms go on
                (`HoldBack`); left out, the former model keeps nothing
            capacity_timeout: how long a rollout waits while no further instance comes, 5 minutes to 2 hours; left out,
                20 minutes. Then it ends without a verdict, and the same version may be tried again
            start_on_deploy: `False` lets the release wait until somebody starts the state machine; default `True`
            metric_period: 10, 30 or 60 seconds; default 60. Below 60 SageMaker's enhanced metrics are turned on, which
                cost extra; not tried on a live account
            expected_rps: requests a second on the whole endpoint; synth then warns of steps that are too short for it
            role: of the models' containers; left out, one is made that reads the image and the model archive
            kept_releases: earlier releases whose archives stay where they are: `cdk gc` deletes archives that no
                template names. Keep a `ModelRelease.from_asset` until it has left both variants
            model_buckets: buckets with archives of earlier releases. The role may read them; SageMaker reads the
                archive of the release that serves again for every new instance
            model_key: the key of all archives, which the role may use; left out, they have none of yours
            vpc: where the containers run; left out, outside of your VPCs. A change reaches the models with the next
                release, and so does one of `vpc_subnets`, `security_groups`, `network_isolation` and `role`
            vpc_subnets: subnets of `vpc`; left out, its private ones
            security_groups: of the containers in `vpc`; left out, one is made
            encryption_key: of the instances' volumes; left out, SageMaker's choice
            network_isolation: `True` lets the containers call nothing outside; default `False`
            data_capture: a share of the requests and answers of both variants, written to S3 (`DataCapture`); left out,
                none
            fleet_update_alarms: at most 10 alarms that SageMaker watches while a deploy swaps the fleet. It goes back,
                and the deploy fails, when one is in ALARM; left out, it watches none
            fleet_update: how it swaps the fleet then (`FleetUpdate`); left out, all at once, watched for 5 minutes
            handlers: runtime, network, encryption and logs of the Lambda functions (`HandlerSettings`); one a stack
            notification_topic: receives a subject and a text at every change of a rollout (docs/events.md)
        """
        super().__init__(scope, construct_id)
        check_release(release, adopt, endpoint_name)
        refuse_other_places(
            self,
            release=release,
            role=role,
            buckets=model_buckets,
            keys={"model_key": model_key, "encryption_key": encryption_key},
            handlers=handlers,
        )
        self._endpoint_name = default_endpoint_name(self) if endpoint_name is None else endpoint_name
        refuse_second(self, self._endpoint_name)
        self._metric_period = metric_period
        self._is_kept = is_kept(removal_policy, adopt)
        self._api_stages: list[ApiStage] = []
        routing = TrafficRouting.default() if routing is None else routing
        thresholds = AlarmThresholds() if alarm_thresholds is None else alarm_thresholds
        hosted = Hosting(
            endpoint_name=self._endpoint_name,
            stack_mark=stack_mark(self),
            instance_type=instance_type,
            release_instance_type=None if release is None else release.instance_type,
            knobs=slot_hosting(hosting, release),
            scaling=InstanceScaling() if scaling is None else scaling,
            release_scaling=None if release is None else release.scaling,
            metric_period_seconds=metric_period,
            encryption_key=encryption_key,
            network_isolation=network_isolation,
            vpc_config=vpc_config(self, vpc=vpc, vpc_subnets=vpc_subnets, security_groups=security_groups),
            data_capture=data_capture,
            adopt=adopt,
            is_kept=self._is_kept,
        )
        self._gates = RolloutGates(
            default_gates() if gates is None else gates,
            routing=routing,
            alpha=alpha,
            require_proof=require_proof,
            metric_period_seconds=metric_period,
        )
        self._handlers = Handlers.of(self, handlers)
        package = None if release is None else release.model_package_arn
        self._names = self._handlers.scope.endpoint(self._endpoint_name, package_arn=package)
        self._policies = self._handlers.allow(self, self._names, adopting=adopt is not None)
        newest = [] if release is None else [release]
        archives = [] if release is None else model_archives(self, "ModelArchive", release)
        sources = ModelSources(
            newest=[archive for archive in archives if archive is not None],
            kept=kept_archives(self, kept_releases),
            buckets=model_buckets,
            key=model_key,
            newest_credentials=registry_credentials(newest),
            credentials=registry_credentials([*newest, *kept_releases]),
        )
        self._roles = ModelRoles(self, sources, hosted.needs())
        self._role = self._roles.keep(role)
        self._guardrail = FleetGuardrail(
            self,
            update=fleet_update,
            alarms=fleet_update_alarms,
            roles=self._roles,
            started_on=hosted.started_on,
        )
        self._resource = self._create_endpoint(hosted, release, archives)
        self._alarms = RolloutAlarms(self, slots=self._metrics(), thresholds=thresholds, callers=alarms)
        plan = RolloutPlan(
            settings=self._settings(hosted, thresholds, start_on_deploy=start_on_deploy),
            routing=routing,
            gates=self._gates,
            thresholds=thresholds,
            smoke_test=smoke_test,
            on_inconclusive=on_inconclusive,
            windows=tuple(rollout_windows),
            hold_back=hold_back,
            timeouts=Timeouts.of(capacity_timeout),
        )
        self._state_machine = RolloutStateMachine(
            self,
            "Rollout",
            name=self._names.state_machine_name,
            handlers=self._handlers,
            plan=plan,
            tags=found_by(self, endpoint_name=self._endpoint_name, ledger=self._handlers.ledger),
        ).state_machine
        PlanReview(plan=plan, expected_rps=expected_rps).publish(self, self._state_machine)
        self._dashboard = self._show(thresholds, alarms)
        self._call_handlers_by_event(plan.settings)
        if notification_topic is not None:
            self._notify(notification_topic)

    def _create_endpoint(
        self, hosting: Hosting, release: ModelRelease | None, archives: Sequence[ModelArchive | None]
    ) -> sagemaker.CfnEndpoint:
        """Create the endpoint between its two guards, in the order in which a deploy goes through them."""
        declared = (
            None if release is None else model(self, hosting, release=release, archives=archives, role=self._role)
        )
        guarded = Guarded(self)
        self._slots = release_slots(
            self,
            hosting,
            handlers=self._handlers,
            guarded=guarded,
            api_stages=self._api_stages,
            **release_properties(release, declared, archives, hosting.of_release()),
            **self._roles.properties(),
            SecurityGroup=own_group(self),
        )
        self._slots.node.add_dependency(*self._policies["ReleaseSlots"])
        if own_group(self) is not None:
            self._slots.node.add_dependency(allow_seeing_interfaces(self, self._handlers["ReleaseSlots"].role))
        if declared is None:
            resource, config_name = waiting_endpoint(self, hosting, self._slots)
        else:
            config = endpoint_config(self, hosting, self._slots)
            resource, config_name = endpoint(self, hosting, config, self._guardrail), config.attr_endpoint_config_name
            guarded.add(config)
            refuse_unfit(declared, config)
            refuse_renamed(declared, "ModelName")
            refuse_renamed(config, "EndpointConfigName")
        refuse_renamed(resource, "EndpointName", self._endpoint_name)
        guarded.add(resource)
        verified_endpoint(
            self,
            hosting,
            handlers=self._handlers,
            guarded=guarded,
            state_machine_arn=self._names.state_machine_arn,
            config_name=config_name,
            after=[resource],
            **self._guardrail.properties(),
        )
        if hosting.is_kept:
            keep_what_serves(self)
        return resource

    def _settings(self, hosting: Hosting, thresholds: AlarmThresholds, *, start_on_deploy: bool) -> EndpointSettings:
        return EndpointSettings(
            endpoint_name=self._endpoint_name,
            scaling=hosting.scaling,
            release_scaling=hosting.release_scaling,
            alarms=self._alarms,
            alarm_limits=thresholds.for_handlers(),
            metric_period_seconds=self._metric_period,
            state_machine_arn=self._names.state_machine_arn,
            start_on_deploy=start_on_deploy,
            api_stages=self._api_stages,
        )

    def _show(self, thresholds: AlarmThresholds, alarms: Sequence[cloudwatch.IAlarm]) -> SlotDashboard:
        """Make the dashboard, and tell where it is."""
        dashboard = SlotDashboard.create(
            self,
            "Dashboard",
            endpoint_name=self._endpoint_name,
            slots=self._metrics(),
            releases={slot: self._release_in(slot) for slot in Slot},
            thresholds=thresholds,
            alarms=self._alarms.of_slots,
            rollout=RolloutWidget(
                function_arn=self._handlers["ShowRollout"].function_arn,
                parameters={
                    "endpoint": self._endpoint_name,
                    "state_machine": self._names.state_machine_arn,
                    "stack": self._names.settled_stack.stack_id,
                    "orders": self._handlers["TakeOrder"].function_arn,
                },
            ),
        )
        for gate in self._gates.gates:
            dashboard.show_gate(gate)
        for alarm in alarms:
            dashboard.show_alarm(alarm)
        tell_where_it_is(self, endpoint_name=self._endpoint_name, dashboard_name=self._dashboard_name)
        return dashboard

    @property
    def _dashboard_name(self) -> str:
        return f"{self._endpoint_name}-{Stack.of(self).region}"

    def _call_handlers_by_event(self, settings: EndpointSettings) -> None:
        """Wire the handlers that work outside of the state machine to the events that need them."""
        rules.settle_rule(self, self._handlers, settings, self._names.settled_stack)
        rules.watch_rule(self, self._handlers, settings, self._names.settled_stack)
        restored = rules.restore_rule(self, self._handlers, settings, self._state_machine.state_machine_arn)
        self._goes_after_its_rollout(restored)
        self._panic_rules = PanicRules(self, self._handlers, settings)

    def _notify(self, topic: sns.ITopic) -> None:
        """Tell people of every change of a rollout."""
        refuse_unfit_topic(self, topic)
        address = {
            "dashboard": dashboard_address(self, self._dashboard_name),
            "executions": executions_address(self, self._names.state_machine_arn),
        }
        rules.told_rule(self, self._handlers, self._endpoint_name, topic, **address)

    def _goes_after_its_rollout(self, restored: events.Rule) -> None:
        """When the stack is deleted, keep the restore path until the guard has stopped a running rollout."""
        guard = self.node.find_child("VerifiedEndpoint")
        guard.node.add_dependency(*self._policies["VerifiedEndpoint"], *self._policies["Restore"], restored)
        guard.node.add_dependency(self._handlers["Restore"])

    def _metrics(self) -> list[SlotMetrics]:
        return [self._metrics_of(slot) for slot in Slot]

    def _metrics_of(self, slot: Slot) -> SlotMetrics:
        return SlotMetrics(endpoint_name=self._endpoint_name, slot=slot, period_seconds=self._metric_period)

    def _release_in(self, slot: Slot) -> str:
        """Return the version of the release in a slot, known when it is deployed."""
        return self._slots.get_att_string(f"Version{slot.name}")

    def _add_api_stage(self, rest_api_id: str, stage_name: str) -> None:
        """Let rollouts set cohort rules on a stage of a front door."""
        self._api_stages.append(ApiStage(rest_api_id=rest_api_id, stage_name=stage_name))
        allow_cohort_changes(self._handlers, rest_api_id=rest_api_id, stage_name=stage_name)

    @property
    def endpoint_name(self) -> str:
        """Return the endpoint's name, known at synth."""
        return self._endpoint_name

    @property
    def endpoint_arn(self) -> str:
        """Return the endpoint's ARN, in lower case as SageMaker has it."""
        return self._resource.ref

    @property
    def role(self) -> iam.IRole:
        """Return the role of the models' containers."""
        return self._role

    def keep_role(self, role: iam.IRole | None = None) -> None:
        """Keep a role that models of earlier releases run under, when `role` is another one now.

        The role may read what the present one may read. Keep it until both slots hold models of the present role.

        Args:
            role: the earlier role; left out, it is the role that the library makes

        Raises:
            ValueError: when the present role is the one that the library makes, and it is asked for.
        """
        self._roles.keep(role)
        if self._is_kept:
            keep_what_serves(self)

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """Return the state machine; one execution is one rollout."""
        return self._state_machine

    @property
    def alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """Return the alarms of both variants."""
        return self._alarms.of_slots

    @property
    def dashboard(self) -> cloudwatch.Dashboard:
        """Return the dashboard that puts the two variants side by side."""
        return self._dashboard.dashboard

    @property
    def ledger(self) -> dynamodb.ITable:
        """Return the table of releases, rollouts and locks; one a stack."""
        return self._handlers.ledger

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody send requests to the endpoint.

        Args:
            grantee: a role, a user or a function that sends them
        """
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["sagemaker:InvokeEndpoint"], resource_arns=[self.endpoint_arn]
        )

    def grant_read_cohort(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let an application that calls SageMaker directly learn who is in the cohort (`canary_construct_client`).

        Args:
            grantee: the role of the application
        """
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:GetItem"],
            resource_arns=[self.ledger.table_arn],
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [self._endpoint_name]}},
        )

    def grant_operate(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody run the `canary` command: watch rollouts, start one by hand and abort one (docs/command.md).

        It changes nothing but records of this endpoint in the ledger, and executions of its state machine.

        Args:
            grantee: the role of the person, or of a pipeline
        """
        grants = [
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=list(permission.actions),
                resource_arns=list(permission.resources(self._names)),
                conditions=permission.condition_of(self._names),
            )
            for permission in OPERATE
        ]
        return reduce(iam.Grant.combine, grants)

    def grant_view_dashboard(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody see rollouts on the dashboard: the widget is a function, which who looks at it calls.

        The function shows the endpoints of its stack, and changes nothing. Source:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_create.html

        Args:
            grantee: the role of the person
        """
        return self._handlers["ShowRollout"].grant_invoke(grantee)

    def grant_operate_on_dashboard(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody also press the buttons there: approve, reject, pause, resume, abort and roll back.

        They act on every endpoint of the stack. The ledger cannot name the person: it gets the dashboard, the request
        of Lambda that CloudTrail has, and what the person typed (docs/dashboard.md). `grant_operate` gives the command,
        which names the person.

        Args:
            grantee: the role of the person
        """
        return self.grant_view_dashboard(grantee).combine(self._handlers["TakeOrder"].grant_invoke(grantee))

    def add_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Roll back whenever this alarm is in ALARM, as with the `alarms` property.

        Args:
            alarm: of the same account and region

        Raises:
            ValueError: when there are more than 98, since one call of CloudWatch takes 100 names.
        """
        self._alarms.add(alarm)
        self._panic_rules.add(alarm)
        self._dashboard.show_alarm(alarm)

    def add_fleet_update_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Let SageMaker watch this alarm while it swaps the fleet, as with the `fleet_update_alarms` property.

        Those of `alarms` see both fleets.

        Args:
            alarm: of the same account and region

        Raises:
            ValueError: when there are more than 10.
        """
        self._guardrail.add(alarm)

    def add_gate(self, gate: Gate) -> None:
        """Compare one more thing, as with the `gates` property.

        Args:
            gate: made by a factory, such as `Gate.conversion`

        Raises:
            ValueError: when a gate of that name is there already, or a step is too short for it.
        """
        self._gates.add(gate)
        self._dashboard.show_gate(gate)

    def metric(self, name: str, *, slot: Slot, statistic: str = "Sum") -> cloudwatch.Metric:
        """Return a metric of one variant.

        Args:
            name: in the namespace `AWS/SageMaker`, such as "ModelLatency"
            slot: the variant
            statistic: of CloudWatch, such as "Average" or "p99"; default "Sum"
        """
        return self._metrics_of(slot).metric(name, statistic=statistic)

    def metric_invocations(self, *, slot: Slot) -> cloudwatch.Metric:
        """Return the requests of one variant.

        Args:
            slot: the variant
        """
        return self.metric("Invocations", slot=slot)

    def metric_error_rate(self, *, slot: Slot) -> cloudwatch.MathExpression:
        """Return the failed requests of one variant, in percent of its requests.

        Args:
            slot: the variant
        """
        return self._metrics_of(slot).error_rate()

    def metric_latency(self, *, slot: Slot, percentile: float = 99) -> cloudwatch.MathExpression:
        """Return a percentile of one variant's model latency, in milliseconds.

        Args:
            slot: the variant
            percentile: above 0, below 100; default 99
        """
        return self._metrics_of(slot).latency_ms(percentile)

    def metric_traffic_share(self, *, slot: Slot) -> cloudwatch.MathExpression:
        """Return one variant's requests in percent of the endpoint's.

        Args:
            slot: the variant
        """
        return self._metrics_of(slot).traffic_share()

    def on_rollout_event(
        self, construct_id: str, *, target: events.IRuleTarget | None = None, description: str | None = None
    ) -> events.Rule:
        """Call a target at every change of a rollout of this endpoint: docs/events.md lists them.

        Args:
            construct_id: of the rule, unique in the endpoint
            target: receives each event; left out, add targets to the rule
            description: of the rule; left out, it has none
        """
        return events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=rules.own_events(self._endpoint_name),
            targets=None if target is None else [target],
        )
