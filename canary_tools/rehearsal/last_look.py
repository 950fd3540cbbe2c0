"""What the dashboard would show at the end of a rehearsal."""

from collections.abc import Mapping
from typing import Any

from rollout.contract.names import SLOTS
from rollout.endpoint import Endpoint
from rollout.watching.reading import Reading
from rollout.watching.records import PREFIX, Rollout
from rollout.watching.view import StatusView, view_of

from canary_tools.rehearsal.people import target_of
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.template.intrinsics import REGION


class _Described:
    """Answers from the simulated endpoint, without a call."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws

    def describe_endpoint(self, EndpointName: str) -> Mapping[str, Any]:  # noqa: ARG002, N803 - as boto3 has it
        return self._aws.endpoint()


def last_look(aws: SimulatedAws) -> StatusView | None:
    """Return a look at the endpoint as it is now; `None` when there is no endpoint any more."""
    if not aws.has_endpoint():
        return None
    declared, fleet, described = aws.declared, aws.fleet(), _Described(aws)
    records = [(execution["name"], aws.rollout(execution)) for execution in aws.executions.all()]
    alarms = {alarm.name: str(alarm.state.value) for alarm in aws.alarms.all()}
    reading = Reading(
        target=target_of(aws),
        region=REGION,
        now=aws.clock.now(),
        endpoint=Endpoint(declared.endpoint_name, reading=described, changing=described).describe(),
        versions={slot: aws.version_in(fleet.variants[slot].model_name) for slot in SLOTS if slot in fleet.variants},
        lock=None,
        declared=None,
        rollouts=[Rollout.parse({**record, "record": f"{PREFIX}{name}"}) for name, record in records if record],
        plan=declared.plan,
        executing=None,
        alarms=alarms,
        counts=[],
    )
    return view_of(reading)
