"""What is done to the endpoint at rest, to see how AWS takes it; each is undone before it returns."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_tools.acceptance.endpoint_watch import QUIET, Look
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.traffic import Outcome, visit

FAILURES = 20
_LOOKS = 15
"""Half a minute of looks at a live account: bounds that move the count do so within seconds."""


@dataclass(frozen=True, kw_only=True)
class WeightChange:
    """A change of nothing but weights: the status right after it, how long it took, how a second one was refused."""

    status: str
    seconds: float
    refusal: str


@dataclass(frozen=True, kw_only=True)
class BoundsChange:
    """Scaling bounds one above the count: what was desired next, how long an instance took, how another was refused."""

    count: int
    desired: int | None
    status: str
    seconds: float | None
    refusal: str


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Requests that the model of a variant failed on purpose; `sent_at` in seconds since the epoch."""

    slot: str
    sent_at: float
    outcomes: Mapping[Outcome, int]


def change_of_weights(scene: Scene) -> WeightChange:
    """Halve the weights, so that no traffic moves; ask for another change while that is under way; undo it."""
    before = scene.quiet()
    half = {slot: weight / 2 for slot, weight in before.weights.items()}
    _set_weights(scene, half)
    refusal = _refusal(lambda: _set_weights(scene, before.weights))
    first = scene.endpoint.look()
    try:
        done = _in_force(scene, half if refusal else before.weights)
    finally:
        if refusal:
            _set_weights(scene, before.weights)
    _in_force(scene, before.weights)
    return WeightChange(status=first.status, seconds=done.at - before.at, refusal=refusal)


def change_of_bounds(scene: Scene) -> BoundsChange:
    """Register bounds above the idle variant's count, and again while that changes the endpoint; undo it."""
    idle, before = scene.idle_slot(), scene.quiet()
    count = before.counts[idle]
    _set_bounds(scene, idle, count + 1)
    try:
        changed = _moved(scene, idle, count)
        refusal = _refusal(lambda: _set_bounds(scene, idle, count + 1))
        moved = changed.desired_counts[idle] != count
        seconds = _has(scene, idle, count + 1).at - before.at if moved else None
    finally:
        _set_bounds(scene, idle, count)
    _has(scene, idle, count)
    return BoundsChange(
        count=count, desired=changed.desired_counts[idle], status=changed.status, seconds=seconds, refusal=refusal
    )


def failures_on_purpose(scene: Scene) -> Failures:
    """Send requests that the model of the idle variant fails."""
    runtime, idle, sent_at = scene.client("sagemaker-runtime"), scene.idle_slot(), scene.endpoint.look().at
    visits = [visit(runtime, scene.endpoint_name, "fail", TargetVariant=idle) for _ in range(FAILURES)]
    return Failures(slot=idle, sent_at=sent_at, outcomes=Counter(found.outcome for found in visits))


def words_of(error: ClientError) -> str:
    """Return an error's code and message."""
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def _in_force(scene: Scene, weights: Mapping[str, float]) -> Look:
    return scene.wait_for_look(f"weights {weights}", lambda look: look.weights == weights and look.status == QUIET)


def _has(scene: Scene, slot: str, count: int) -> Look:
    return scene.wait_for_look(
        f"{count} instances of {slot}", lambda look: look.counts[slot] == count and look.status == QUIET
    )


def _moved(scene: Scene, slot: str, count: int) -> Look:
    """Return the first look in which another count is desired, or the last one of a wait for it."""
    looks: list[Look] = []

    def moved(look: Look) -> bool:
        looks.append(look)
        return look.desired_counts[slot] != count or len(looks) > _LOOKS

    return scene.wait_for_look("another desired count", moved)


def _set_weights(scene: Scene, weights: Mapping[str, float]) -> None:
    desired = [{"VariantName": slot, "DesiredWeight": weight} for slot, weight in weights.items()]
    scene.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=scene.endpoint_name, DesiredWeightsAndCapacities=desired
    )


def _set_bounds(scene: Scene, slot: str, count: int) -> None:
    scene.client("application-autoscaling").register_scalable_target(
        ServiceNamespace=SCALED_SERVICE,
        ScalableDimension=SCALED_DIMENSION,
        ResourceId=f"endpoint/{scene.endpoint_name}/variant/{slot}",
        MinCapacity=count,
        MaxCapacity=count,
    )


def _refusal(change: Any) -> str:
    try:
        change()
    except ClientError as error:
        return words_of(error)
    return ""
