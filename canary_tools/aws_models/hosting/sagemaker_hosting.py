"""SageMaker endpoints and their auto scaling, joined on one clock."""

from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.autoscaling.scaling import Scaling
from canary_tools.aws_models.autoscaling.targets import VariantId
from canary_tools.aws_models.autoscaling.tracking import TargetTracking, TrackingSpeed
from canary_tools.aws_models.hosting.scaled_variants import EndpointVariants
from canary_tools.aws_models.sagemaker.catalogue import Catalogue
from canary_tools.aws_models.sagemaker.endpoint import Endpoint, Status
from canary_tools.aws_models.sagemaker.endpoints import Endpoints
from canary_tools.aws_models.sagemaker.instances import InstanceHost
from canary_tools.aws_models.sagemaker.invocation_metrics import InvocationMetrics, RecordMetric, ServedInvocation
from canary_tools.aws_models.sagemaker.metric_delays import MetricDelay
from canary_tools.aws_models.sagemaker.metric_source import MetricSource, metric_source
from canary_tools.aws_models.sagemaker.ordered_faults import OrderedFaults
from canary_tools.aws_models.sagemaker.tags import TagStore
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import Clock


class SageMakerHosting:
    """The models of SageMaker and Application Auto Scaling, connected to each other.

    Attributes:
        catalogue: models and endpoint configs.
        endpoints: endpoints and their operations.
        metrics: counts invocations and publishes the metrics that SageMaker would publish.
        scaling: scalable targets, policies, activities and their operations.
        faults: failures that a test or a rehearsal has ordered.
    """

    def __init__(
        self,
        *,
        place: Place,
        clock: Clock,
        host: InstanceHost,
        timing: Timing,
        record: RecordMetric,
        metric_delay: MetricDelay,
        tracking_speed: TrackingSpeed = TrackingSpeed(),  # noqa: B008 - frozen
        undocumented: Undocumented = Undocumented(),  # noqa: B008 - frozen
    ) -> None:
        self.tags = TagStore()
        self.faults = OrderedFaults()
        self.catalogue = Catalogue(place=place, clock=clock, tags=self.tags)
        self.endpoints = Endpoints(
            place=place, clock=clock, catalogue=self.catalogue, tags=self.tags, host=host, timing=timing,
            faults=self.faults, undocumented=undocumented,
        )  # fmt: skip
        self.metrics = InvocationMetrics(clock=clock, record=record, delay=metric_delay, undocumented=undocumented)
        self.scaling = Scaling(
            place=place, clock=clock, variants=EndpointVariants(self.endpoints), undocumented=undocumented
        )
        self._metric_delay = metric_delay
        self._tracking = TargetTracking(
            clock=clock, scaling=self.scaling, speed=tracking_speed, delay=self._delay_of_tracking
        )
        self.endpoints.scaled_variants = self.scaling.scaled_variants
        self.endpoints.on_change += [self._note_end_of_change, self._watch]
        self.endpoints.on_deleted.append(self.scaling.forget_endpoint)
        self.metrics.serves = self._serves
        self.metrics.on_invocation.append(self._track)
        self._tracking.start()

    def _note_end_of_change(self, endpoint: Endpoint) -> None:
        if endpoint.status is Status.IN_SERVICE:
            self.scaling.note_in_service(endpoint.name, failure_reason=endpoint.failure_reason)

    def _watch(self, endpoint: Endpoint) -> None:
        if endpoint.fleet is not None:
            for variant_name in endpoint.fleet.variants:
                self.metrics.watch(metric_source(endpoint.name, endpoint.fleet, variant_name))

    def _serves(self, source: MetricSource) -> bool:
        if not self.endpoints.exists(source.endpoint_name):
            return False
        fleet = self.endpoints.find(source.endpoint_name).fleet
        return fleet is not None and fleet.config_name == source.config_name

    def _delay_of_tracking(self, variant: VariantId) -> float:
        fleet = self.endpoints.find(variant.endpoint_name).fleet
        return (
            0.0
            if fleet is None
            else self._metric_delay(metric_source(variant.endpoint_name, fleet, variant.variant_name))
        )

    def _track(self, source: MetricSource, invocation: ServedInvocation, count: int) -> None:
        variant = VariantId(source.endpoint_name, source.variant_name)
        self._tracking.count(variant, count, busy_seconds=invocation.busy_seconds(count))
