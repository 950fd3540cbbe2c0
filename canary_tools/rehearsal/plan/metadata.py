"""What synth wrote into the template about a plan, for people who review it."""

from dataclasses import dataclass

from rollout.contract.names import PLAN_METADATA

from canary_tools.rehearsal.json_input.json_object import Reader, RehearsalError
from canary_tools.rehearsal.template import DeclaredEndpoint


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A gate or an alarm. It cannot act on a bad release before `earliest_seconds` after a shift."""

    name: str
    earliest_seconds: int


@dataclass(frozen=True, kw_only=True)
class PlanMetadata:
    """The plan of one endpoint as synth summed it up. `expected_rps`: requests a second, if the construct has them."""

    shortest_seconds: int
    longest_seconds: int
    history_events: int
    history_events_allowed: int
    metric_delay_seconds: int
    guards: tuple[Guard, ...]
    expected_rps: float | None
    cohorts: tuple[str, ...]
    """What the gates can conclude in each cohort step."""

    @classmethod
    def parse(cls, content: object) -> "PlanMetadata":
        """Read the JSON of the template.

        Raises:
            RehearsalError: when a part is missing or is not what synth writes.
        """
        reader = Reader(content, "the plan in the metadata")
        return cls(
            shortest_seconds=reader.whole("ShortestSeconds", least=0),
            longest_seconds=reader.whole("LongestSeconds", least=0),
            history_events=reader.whole("LongestHistoryEvents", least=0),
            history_events_allowed=reader.whole("HistoryEventsAllowed", least=0),
            metric_delay_seconds=reader.whole("MetricDelaySeconds", least=0),
            guards=tuple(_guard(guard) for guard in reader.sections("Guards")),
            expected_rps=reader.optional_number("ExpectedRps", least=0),
            cohorts=tuple(cohort.text("Limit") for cohort in reader.optional_sections("Cohorts")),
        )


def metadata_of(declared: DeclaredEndpoint) -> PlanMetadata:
    """Return what synth wrote about the plan of this endpoint.

    Raises:
        RehearsalError: when the template does not have it, or has it in part.
    """
    if PLAN_METADATA not in declared.machine_metadata:
        raise RehearsalError(
            f"the state machine of endpoint {declared.endpoint_name} has no {PLAN_METADATA} in its metadata; "
            "synthesise the template again and keep its metadata"
        )
    return PlanMetadata.parse(declared.machine_metadata[PLAN_METADATA])


def _guard(reader: Reader) -> Guard:
    return Guard(name=reader.text("Name"), earliest_seconds=reader.whole("EarliestSeconds", least=0))
