"""The network interfaces of models in a VPC. They outlive the endpoint, and what they use cannot be deleted.

Gap it fills: ministack knows neither them nor that an interface is in the way of its security group and its subnet; it
ignores the filters of DescribeNetworkInterfaces.
Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html and
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1327
"""

import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.endpoint import Endpoint
from canary_tools.clock import Clock
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import PLACE

_ID = re.compile(rb"<networkInterfaceId>([^<]+)<")
_IN_USE = "resource {name} has a dependent object (Service: Ec2, Status Code: 400, Error Code: DependencyViolation)"


class InUseError(Exception):
    """A network interface is in the way."""


class ModelInterfaces:
    """One interface in each subnet of each model, from the endpoint's first deploy of it until after its end."""

    def __init__(self, hosting: SageMakerHosting, ec2: Any, clock: Clock, *, linger_seconds: float) -> None:
        self._hosting = hosting
        self._ec2 = ec2
        self._clock = clock
        self._linger_seconds = linger_seconds
        self._made: dict[tuple[str, str, tuple[str, ...]], str] = {}

    def make(self, endpoint: Endpoint) -> None:
        """Make the interfaces of the fleet that an endpoint is about to get."""
        for model in _models(endpoint):
            network = self._hosting.catalogue.models.find(model).properties.get("VpcConfig", {})
            for subnet in network.get("Subnets", ()):
                key = (endpoint.name, subnet, tuple(network["SecurityGroupIds"]))
                if key not in self._made:
                    self._made[key] = self._new(subnet, network["SecurityGroupIds"])

    def outlive(self, endpoint_name: str) -> None:
        """Remove the interfaces of an endpoint some time after it was deleted."""
        mine = [key for key in self._made if key[0] == endpoint_name]
        gone = [self._made.pop(key) for key in mine]
        self._clock.call_at(self._clock.now() + self._linger_seconds, lambda: self._remove(gone))

    def _new(self, subnet: str, groups: list[str]) -> str:
        numbered = {f"SecurityGroupId.{number}": group for number, group in enumerate(groups, start=1)}
        with _scope():
            _, _, body = self._ec2._create_network_interface({"SubnetId": subnet, **numbered})  # noqa: SLF001 - its API
        found = _ID.search(body)
        assert found is not None
        return found[1].decode()

    def _remove(self, names: list[str]) -> None:
        with _scope():
            for name in names:
                self._ec2._network_interfaces.pop(name, None)  # noqa: SLF001 - its state


def install(patches: Patches, hosting: SageMakerHosting, *, clock: Clock, linger_seconds: float) -> None:
    """Let endpoints have interfaces, and let these be found and be in the way."""
    ec2 = importlib.import_module("ministack.services.ec2")
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    interfaces = ModelInterfaces(hosting, ec2, clock, linger_seconds=linger_seconds)
    hosting.endpoints.on_change.append(interfaces.make)
    hosting.endpoints.on_deleted.append(interfaces.outlive)
    patches.item(ec2._ACTION_MAP, "DescribeNetworkInterfaces", lambda request: _described(ec2, request))  # noqa: SLF001 - its table
    for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::Subnet"):
        handlers = provisioners._RESOURCE_HANDLERS[kind]  # noqa: SLF001 - its table of types
        patches.item(handlers, "delete", _unless_in_use(ec2, handlers["delete"]))


def _models(endpoint: Endpoint) -> set[str]:
    fleet = endpoint.pending
    return set() if fleet is None else {variant.model_name for variant in fleet.variants.values()}


def _described(ec2: Any, request: Mapping[str, Any]) -> Any:
    """Answer by the filters `group-id` and `subnet-id` as well."""
    filters, names = ec2._parse_filters(request), ec2._parse_member_list(request, "NetworkInterfaceId")  # noqa: SLF001 - as it reads requests
    found = [
        row
        for row in ec2._network_interfaces.values()  # noqa: SLF001 - its state
        if (not names or row["NetworkInterfaceId"] in names)
        and not _groups(row).isdisjoint(filters.get("group-id", _groups(row)))
        and row["SubnetId"] in filters.get("subnet-id", [row["SubnetId"]])
    ]
    items = "".join(ec2._eni_fields_xml(row) for row in found)  # noqa: SLF001 - as it answers
    return ec2._xml(  # noqa: SLF001 - as above
        200, "DescribeNetworkInterfacesResponse", f"<networkInterfaceSet>{items}</networkInterfaceSet>"
    )


def _unless_in_use(ec2: Any, delete: Callable[..., None]) -> Callable[..., None]:
    def deleted(physical_id: str, properties: Mapping[str, Any]) -> None:
        rows = ec2._network_interfaces.values()  # noqa: SLF001 - its state
        if any(physical_id in {row["SubnetId"], *_groups(row)} for row in rows):
            raise InUseError(_IN_USE.format(name=physical_id))
        delete(physical_id, properties)

    return deleted


def _groups(row: Mapping[str, Any]) -> set[str]:
    return {group["GroupId"] for group in row["Groups"]}


def _scope() -> Any:
    """Return the account and the region of the sandbox as a context: clocks and workers have none of their own."""
    return importlib.import_module("ministack.core.responses").request_scope(PLACE.account, PLACE.region)
