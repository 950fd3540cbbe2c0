"""SageMaker's endpoint operations: which requests are accepted or refused, and what they start."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from canary_tools.aws_models.api.errors import validation_error
from canary_tools.aws_models.api.operations import Request
from canary_tools.aws_models.api.paging import page
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.sagemaker.arns import sagemaker_arn
from canary_tools.aws_models.sagemaker.capacity_change import CapacityChange
from canary_tools.aws_models.sagemaker.catalogue import Catalogue
from canary_tools.aws_models.sagemaker.config_rules import check_name
from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status, describe
from canary_tools.aws_models.sagemaker.fleet_deployment import FleetDeployment
from canary_tools.aws_models.sagemaker.fleet_swap import SwapPlan
from canary_tools.aws_models.sagemaker.instances import InstanceHost
from canary_tools.aws_models.sagemaker.ordered_faults import OrderedFaults
from canary_tools.aws_models.sagemaker.tags import TagStore
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.aws_models.sagemaker.variants import Fleet
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import Clock


class Endpoints:
    """All endpoints of an account.

    The class starts no thread and takes no lock. Callers on several threads must take turns, and so must the actions
    of the clock and the host.

    Attributes:
        on_change: each is called with an endpoint after its status has changed.
        on_deleted: each is called with the name of an endpoint that was deleted.
        scaled_variants: returns the variants of an endpoint that are registered as scalable targets.
        alarm_state: returns the state of a CloudWatch alarm; `None` if there is none of this name.
        may_watch_alarms: tells whether a role, by its ARN, may describe alarms.
        fleet_rollback_reason_is_told: whether DescribeEndpoint says why an alarm stopped the swap of a fleet. AWS does
            not document it.
    """

    def __init__(
        self,
        *,
        place: Place,
        clock: Clock,
        catalogue: Catalogue,
        tags: TagStore,
        host: InstanceHost,
        timing: Timing,
        faults: OrderedFaults,
        undocumented: Undocumented,
    ) -> None:
        self._place = place
        self._clock = clock
        self._catalogue = catalogue
        self._tags = tags
        self._host = host
        self._timing = timing
        self._faults = faults
        self._undocumented = undocumented
        self._endpoints: dict[str, Endpoint] = {}
        self.on_change: list[Callable[[Endpoint], None]] = []
        self.on_deleted: list[Callable[[str], None]] = []
        self.scaled_variants: Callable[[str], Collection[str]] = lambda _endpoint_name: ()
        self.alarm_state: Callable[[str], str | None] = lambda _alarm_name: None
        self.may_watch_alarms: Callable[[str], bool] = lambda _role: True
        self.fleet_rollback_reason_is_told = True

    def find(self, name: str) -> Endpoint:
        """Return an endpoint. Upper and lower case in its name are the same.

        Raises:
            ApiError: `ValidationException` if there is no such endpoint.
        """
        endpoint = self._endpoints.get(name.lower())
        if endpoint is None:
            raise validation_error(f'Could not find endpoint "{sagemaker_arn(self._place, "endpoint", name)}".')
        return endpoint

    def exists(self, name: str) -> bool:
        """Whether there is an endpoint of that name, in any status."""
        return name.lower() in self._endpoints

    def create(self, request: Request) -> dict[str, Any]:
        """Answer `CreateEndpoint`."""
        name = request["EndpointName"]
        check_name("EndpointName", name)
        arn = sagemaker_arn(self._place, "endpoint", name)
        if name.lower() in self._endpoints:
            raise validation_error(f'Cannot create already existing endpoint "{arn}".')
        now = self._clock.now()
        fleet = self._plan(request["EndpointConfigName"], retained_from=None, excluded=())
        endpoint = Endpoint(
            name=name, arn=arn, status=Status.CREATING, config_name=fleet.config_name, created=now,
            modified=now, pending=fleet, deployment_config=request.get("DeploymentConfig"),
        )  # fmt: skip
        self._endpoints[name.lower()] = endpoint
        self._tags.attach(arn, request.get("Tags", ()))
        self._deploy(endpoint, fleet, SwapPlan())
        return {"EndpointArn": arn}

    def update(self, request: Request) -> dict[str, Any]:
        """Answer `UpdateEndpoint`: deploy a new fleet for all variants, then put it in place of the old one.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        """
        endpoint = self._changeable(request["EndpointName"])
        excluded = [
            property_["VariantPropertyType"] for property_ in request.get("ExcludeRetainedVariantProperties", ())
        ]
        retained = endpoint.fleet if request.get("RetainAllVariantProperties") else None
        fleet = self._plan(request["EndpointConfigName"], retained_from=retained, excluded=excluded)
        self._refuse_change_under_scaling(endpoint, fleet)
        kept = endpoint.deployment_config if request.get("RetainDeploymentConfig") else None
        deployment_config = request.get("DeploymentConfig") if kept is None else kept
        plan = SwapPlan.of(deployment_config, old=endpoint.fleet, new=fleet)
        self._refuse_alarms_unseen(plan, fleet)
        endpoint.pending, endpoint.deployment_config = fleet, deployment_config
        self._deploy(endpoint, fleet, plan)
        return {"EndpointArn": endpoint.arn}

    def update_weights_and_capacities(self, request: Request) -> dict[str, Any]:
        """Answer `UpdateEndpointWeightsAndCapacities`.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
        """
        endpoint = self._changeable(request["EndpointName"])
        desired = request["DesiredWeightsAndCapacities"]
        assert endpoint.fleet is not None
        unknown = [row["VariantName"] for row in desired if row["VariantName"] not in endpoint.fleet.variants]
        if unknown:
            raise validation_error(f'Could not find variants {unknown} of endpoint "{endpoint.arn}".')
        if any(row.get("DesiredInstanceCount", 1) < 1 for row in desired):
            raise validation_error("DesiredInstanceCount must be at least 1.")
        self._start_change(
            endpoint,
            weights={row["VariantName"]: row["DesiredWeight"] for row in desired if "DesiredWeight" in row},
            counts={
                row["VariantName"]: row["DesiredInstanceCount"] for row in desired if "DesiredInstanceCount" in row
            },
        )
        return {"EndpointArn": endpoint.arn}

    def delete(self, request: Request) -> dict[str, Any]:
        """Answer `DeleteEndpoint`."""
        endpoint = self.find(request["EndpointName"])
        _refuse_in_progress(endpoint)
        self.set_status(endpoint, Status.DELETING)
        self._clock.call_at(self._clock.now() + self._timing.weight_update_seconds, lambda: self._remove(endpoint))
        return {}

    def describe(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeEndpoint`."""
        return describe(self.find(request["EndpointName"]), self._undocumented)

    def list(self, request: Request) -> dict[str, Any]:
        """Answer `ListEndpoints`, newest first."""
        rows = [
            {key: described[key] for key in _LISTED}
            for described in (describe(found, self._undocumented) for found in reversed(self._endpoints.values()))
            if request.get("NameContains", "") in described["EndpointName"]
            and request.get("StatusEquals", described["EndpointStatus"]) == described["EndpointStatus"]
        ]
        return page("Endpoints", rows, request)

    def refuse_in_progress(self, name: str) -> None:
        """Do nothing if no change of the endpoint runs.

        Raises:
            ApiError: `ValidationException` if a change runs.
        """
        _refuse_in_progress(self.find(name))

    def set_status(self, endpoint: Endpoint, status: Status) -> None:
        """Set the status and call the listeners."""
        endpoint.status = status
        endpoint.modified = self._clock.now()
        for listener in self.on_change:
            listener(endpoint)

    def _plan(self, config_name: str, *, retained_from: Fleet | None, excluded: Collection[str]) -> Fleet:
        config = self._catalogue.configs.find(config_name).properties
        images = {
            declared["VariantName"]: self._catalogue.containers(declared["ModelName"])[0].get("Image", "")
            for declared in config["ProductionVariants"]
        }
        return Fleet.planned(
            config_name=config_name, config=config, images=images, retained_from=retained_from,
            excluded=excluded, now=self._clock.now(),
        )  # fmt: skip

    def _role(self, model_name: str) -> str:
        return str(self._catalogue.models.find(model_name).properties["ExecutionRoleArn"])

    def _deploy(self, endpoint: Endpoint, fleet: Fleet, plan: SwapPlan) -> None:
        endpoint.failure_reason = None
        self.set_status(endpoint, Status.CREATING if endpoint.fleet is None else Status.UPDATING)
        FleetDeployment(
            endpoint, fleet, clock=self._clock, host=self._host, timing=self._timing, faults=self._faults, plan=plan,
            alarm_state=self.alarm_state,
            reason_is_told=self.fleet_rollback_reason_is_told,
            containers_of=self._catalogue.containers, role_of=self._role, set_status=self.set_status,
        ).start()  # fmt: skip

    def _refuse_alarms_unseen(self, plan: SwapPlan, fleet: Fleet) -> None:
        """Refuse alarms that the models' role may not describe. AWS asks for the permission, and not what is without.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        roles = {self._role(variant.model_name) for variant in fleet.variants.values()} if plan.alarms else set()
        for role in sorted(roles):
            if not self.may_watch_alarms(role):
                raise validation_error(f"Role {role} must be allowed cloudwatch:DescribeAlarms.")

    def _start_change(self, endpoint: Endpoint, *, weights: Mapping[str, float], counts: Mapping[str, int]) -> None:
        endpoint.failure_reason = None
        self.set_status(endpoint, Status.UPDATING)
        CapacityChange(
            endpoint, weights=weights, counts=counts, clock=self._clock, host=self._host, timing=self._timing,
            faults=self._faults, containers_of=self._catalogue.containers, role_of=self._role,
            set_status=self.set_status,
        ).start()  # fmt: skip

    def _changeable(self, name: str) -> Endpoint:
        endpoint = self.find(name)
        _refuse_in_progress(endpoint)
        if endpoint.status is Status.FAILED:
            raise validation_error(f'Cannot update endpoint "{endpoint.arn}" in status Failed.')
        self._catalogue.configs.find(endpoint.config_name)
        return endpoint

    def _refuse_change_under_scaling(self, endpoint: Endpoint, fleet: Fleet) -> None:
        """Refuse to remove a variant that is a scalable target, or to change its instance type.

        The rule is documented. The sentence is known from public reports only.
        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
        """
        assert endpoint.fleet is not None
        scaled = self.scaled_variants(endpoint.name)
        touched = [
            name
            for name, variant in endpoint.fleet.variants.items()
            if name in scaled
            and (name not in fleet.variants or fleet.variants[name].instance_type != variant.instance_type)
        ]
        if touched:
            quoted = ", ".join(f'"{name}"' for name in touched)
            raise validation_error(
                f"The variant(s) [{quoted}] must be deregistered as scalable targets with AutoScaling before "
                "they can be removed or have their instance type updated."
            )

    def _remove(self, endpoint: Endpoint) -> None:
        if endpoint.fleet is not None:
            endpoint.fleet.retire()
        del self._endpoints[endpoint.name.lower()]
        self._tags.drop(endpoint.arn)
        for listener in self.on_deleted:
            listener(endpoint.name)


def _refuse_in_progress(endpoint: Endpoint) -> None:
    if endpoint.in_progress:
        raise validation_error(f'Cannot update in-progress endpoint "{endpoint.arn}".')


_LISTED = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
