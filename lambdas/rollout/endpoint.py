"""The SageMaker endpoint: one consistent look at it, and the one call that moves its traffic."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

from botocore.exceptions import ClientError

from rollout import clients, clock, sentences
from rollout.contract.errors import (
    EndpointBusy,
    EndpointChanged,
    EndpointNotFound,
    EndpointUnusable,
    Throttled,
    Unavailable,
)
from rollout.contract.exposure import EVERYTHING, FINEST_PERCENT
from rollout.contract.hosting import knobs_of
from rollout.contract.names import SLOTS
from rollout.decisions.placement import Placement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOOK_AGAIN_SECONDS = 0.5
QUIET = "InService"
WORKING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""Statuses that end by themselves. Source:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html"""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One production variant as SageMaker reports it."""

    weight: float
    desired_weight: float
    instances: int
    desired_instances: int

    @property
    def serves(self) -> bool:
        """Tell whether users reach this variant, or soon will."""
        return self.weight > 0 or self.desired_weight > 0

    @property
    def most_instances(self) -> int:
        """Return how many instances there are, or soon will be, whichever is more."""
        return max(self.instances, self.desired_instances)


@dataclass(frozen=True, kw_only=True)
class EndpointView:
    """What `DescribeEndpoint` says. Source as above."""

    name: str
    arn: str
    status: str
    config_name: str
    failure_reason: str
    update_pending: bool
    variants: Mapping[str, Variant]

    @property
    def quiet(self) -> bool:
        """Tell whether SageMaker accepts a change now."""
        return self.status == QUIET and not self.update_pending

    @property
    def working(self) -> bool:
        """Tell whether SageMaker is changing the endpoint, so that another look is worth while."""
        return self.status in WORKING or self.update_pending

    @property
    def weights(self) -> dict[str, float]:
        """Return the weights in force, by slot."""
        return {slot: variant.weight for slot, variant in self.variants.items()}

    @property
    def desired_weights(self) -> dict[str, float]:
        """Return the weights that were asked for last, by slot; they come into force a while later."""
        return {slot: variant.desired_weight for slot, variant in self.variants.items()}

    def serving_slots(self) -> list[str]:
        """Return the slots that users reach."""
        return [slot for slot in SLOTS if slot in self.variants and self.variants[slot].serves]

    def stable_slot(self) -> str:
        """Return the one slot that serves.

        Raises:
            EndpointUnusable: when both slots serve, or none.
        """
        serving = self.serving_slots()
        if len(serving) != 1:
            raise EndpointUnusable(sentences.TWO_SERVE.format(endpoint=self.name, weights=in_words(self.weights)))
        return serving[0]

    def refuse_unless_quiet(self) -> None:
        """Refuse an endpoint that takes no change.

        Raises:
            EndpointUnusable: with its status, and why, if SageMaker says so.
        """
        if not self.quiet:
            why = f": {self.failure_reason}" if self.failure_reason else ""
            words = {"endpoint": self.name, "status": self.status, "why": why}
            raise EndpointUnusable(sentences.NOT_IN_SERVICE.format(**words))

    def refuse_other_config(self, pinned: str) -> None:
        """Refuse an endpoint that left the config of a rollout.

        Raises:
            EndpointChanged: with both names.
        """
        if self.config_name != pinned:
            words = {"endpoint": self.name, "now": self.config_name, "pinned": pinned}
            raise EndpointChanged(sentences.OTHER_CONFIG.format(**words))

    def refuse_weights(self, weights: Mapping[str, float]) -> NoReturn:
        """Refuse weights that no rollout has ordered.

        Raises:
            EndpointChanged: always.
        """
        raise EndpointChanged(sentences.OTHER_WEIGHTS.format(endpoint=self.name, now=in_words(weights)))

    def shows(self, weights: Mapping[str, int]) -> bool:
        """Tell whether these weights are in force and nothing is about to change them."""
        return all(
            slot in self.variants
            and self.variants[slot].weight == weight
            and self.variants[slot].desired_weight == weight
            for slot, weight in weights.items()
        )


def weights_for(*, stable: str, canary: str, canary_percent: float) -> dict[str, int]:
    """Return weights that give the canary this percentage of the requests, as a multiple of `FINEST_PERCENT`.

    Whole numbers survive SageMaker's 32-bit floats unchanged.

    >>> weights_for(stable="variant-b", canary="variant-a", canary_percent=10)
    {'variant-b': 90, 'variant-a': 10}
    >>> weights_for(stable="variant-b", canary="variant-a", canary_percent=0.4)
    {'variant-b': 9960, 'variant-a': 40}
    """
    scale = 1 if float(canary_percent).is_integer() else round(1 / FINEST_PERCENT)
    of_canary = round(canary_percent * scale)
    return {stable: EVERYTHING * scale - of_canary, canary: of_canary}


def in_words(weights: Mapping[str, float]) -> str:
    """Write weights for people.

    >>> in_words({"variant-a": 90, "variant-b": 10.0})
    'variant-a 90, variant-b 10'
    """
    return ", ".join(f"{slot} {weight:g}" for slot, weight in weights.items())


class Endpoint:
    """One SageMaker endpoint."""

    def __init__(self, name: str, *, reading: Any = None, changing: Any = None) -> None:
        self.name = name
        self._reading = reading if reading is not None else clients.client("sagemaker")
        self._changing = changing if changing is not None else clients.single_attempt_client("sagemaker")

    def describe(self) -> EndpointView:
        """Look at the endpoint.

        Raises:
            EndpointNotFound: when there is none of this name.
            Throttled: when SageMaker limits the calls.
            Unavailable: when SageMaker does not answer.
        """
        with _named_failures(self.name):
            answer = self._reading.describe_endpoint(EndpointName=self.name)
        return EndpointView(
            name=self.name,
            arn=answer["EndpointArn"],
            status=answer["EndpointStatus"],
            config_name=answer.get("EndpointConfigName", ""),
            failure_reason=answer.get("FailureReason", ""),
            update_pending="PendingDeploymentSummary" in answer,
            variants={v["VariantName"]: _variant(v) for v in answer.get("ProductionVariants", [])},
        )

    def config(self, config_name: str) -> dict[str, Placement]:
        """Return what an endpoint config declares, by slot.

        Raises:
            EndpointUnusable: when somebody deleted the config. The endpoint still serves.
        """
        return {
            variant["VariantName"]: Placement(
                model_name=variant["ModelName"],
                weight=int(variant["InitialVariantWeight"]),
                instances=int(variant["InitialInstanceCount"]),
                instance_type=variant["InstanceType"],
                hosting=knobs_of(variant),
            )
            for variant in self.described_config(config_name)["ProductionVariants"]
        }

    def described_config(self, config_name: str) -> dict[str, Any]:
        """Return all that SageMaker says of an endpoint config. Raises as `config` does."""
        with _named_failures(self.name):
            answer: dict[str, Any] = self._reading.describe_endpoint_config(EndpointConfigName=config_name)
        return answer

    def set_weights(self, weights: Mapping[str, int]) -> None:
        """Ask for these weights, once; the caller reads the endpoint to learn what came of it.

        Raises:
            EndpointBusy: when SageMaker is changing the endpoint.
            EndpointNotFound: when there is no such endpoint.
            Throttled: when SageMaker limits the calls.
            Unavailable: when SageMaker does not answer; it may have taken the weights all the same.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
        """
        desired = [{"VariantName": slot, "DesiredWeight": float(weight)} for slot, weight in weights.items()]
        with _named_failures(self.name):
            self._changing.update_endpoint_weights_and_capacities(
                EndpointName=self.name, DesiredWeightsAndCapacities=desired
            )


def wait_until_quiet(endpoint: Endpoint, *, until: float) -> EndpointView:
    """Look until SageMaker accepts changes, or never will, or the time is over; return the last look.

    Raises:
        EndpointNotFound: when there is no endpoint.
    """
    while True:
        try:
            view = endpoint.describe()
            if view.quiet or not view.working or clock.now() >= until:
                return view
        except (Throttled, Unavailable):
            if clock.now() >= until:
                raise
        clock.pause(LOOK_AGAIN_SECONDS * 4)


class _ProductionVariant(TypedDict, total=False):
    """A variant as DescribeEndpoint has it, as far as it is read here."""

    CurrentWeight: float
    CurrentInstanceCount: int
    DesiredWeight: float
    DesiredInstanceCount: int


def _variant(answer: _ProductionVariant) -> Variant:
    weight = float(answer.get("CurrentWeight", 0.0))
    instances = int(answer.get("CurrentInstanceCount") or 0)
    desired_weight = answer.get("DesiredWeight")
    desired_instances = answer.get("DesiredInstanceCount")
    return Variant(
        weight=weight,
        desired_weight=weight if desired_weight is None else float(desired_weight),
        instances=instances,
        desired_instances=instances if desired_instances is None else int(desired_instances),
    )


@contextmanager
def _named_failures(endpoint: str) -> Iterator[None]:
    """Give SageMaker's failures their names. One code stands for many of them, so this reads the text.

    The text also has names that people chose. They hold no spaces, so words with a space in them are SageMaker's own.
    """
    try:
        with clients.named_failures():
            yield
    except ClientError as error:
        message: str = error.response["Error"]["Message"]
        if "in-progress endpoint" in message:
            raise EndpointBusy(message) from error
        if "Could not find endpoint" not in message:
            raise
        if "Could not find endpoint configuration" not in message:
            raise EndpointNotFound(message) from error
        raise EndpointUnusable(sentences.CONFIG_DELETED.format(endpoint=endpoint, error=message)) from error
