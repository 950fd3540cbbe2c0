"""Questions to SageMaker about a live endpoint."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from botocore.exceptions import ClientError
from rollout.contract.names import SLOT_B, SLOTS

from canary_tools.acceptance.endpoint_watch import QUIET, Look
from canary_tools.acceptance.experiments import FAILURES, change_of_weights, failures_on_purpose, words_of
from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import NotAsked, Scene
from canary_tools.acceptance.traffic import Outcome, visit

_SIGMAS = 5
"""A share that is split as the weights say differs by more in one of a million runs."""
_OTHER_TYPES = {"ml.m5.large": "ml.m5.xlarge", "ml.c5.large": "ml.c5.xlarge"}


def weight_change_status(scene: Scene) -> Said:
    """Ask for the status right after a call that changes nothing but weights."""
    status = scene.once(change_of_weights).status
    return Said(sentence=f"the endpoint is {status}", value=status == "Updating")


def weight_change_seconds(scene: Scene) -> Said:
    """Measure how long a change of weights takes."""
    seconds = scene.once(change_of_weights).seconds
    return Said(sentence=f"{seconds:.1f} s", value=round(seconds, 1))


def in_progress_refusal(scene: Scene) -> Said:
    """Ask in which words SageMaker refuses a change while another one is under way."""
    words = scene.once(change_of_weights).refusal
    return Said(sentence=words or "the second change was taken", value="in-progress endpoint" in words)


def weights_are_exact(scene: Scene) -> Said:
    """Ask whether whole weights come back as they were sent."""
    seen = sorted({weight for look in scene.watch.since(0) for weight in look.weights.values()})
    said = ", ".join(f"{weight!r}" for weight in seen)
    return Said(sentence=said, value=all(float(weight).is_integer() for weight in seen))


def desired_values_are_told(scene: Scene) -> Said:
    """Ask whether every look at an endpoint in service has desired weights and counts."""
    looks = [look for look in scene.watch.since(0) if look.status == QUIET]
    untold = [look for look in looks if None in (*look.desired_weights.values(), *look.desired_counts.values())]
    return Said(sentence=f"missing in {len(untold)} of {len(looks)} looks", value=not untold)


def variants_in_order(scene: Scene) -> Said:
    """Ask whether DescribeEndpoint lists variants in the order of the endpoint config."""
    declared = [variant["VariantName"] for variant in _variants(scene)]
    listed = list(scene.endpoint.look().weights)
    return Said(sentence=", ".join(listed), value=listed == declared)


def target_variant_at_weight_zero(scene: Scene) -> Said:
    """Send a request to the variant that has no weight."""
    idle = scene.idle_slot()
    answered = visit(scene.client("sagemaker-runtime"), scene.endpoint_name, "smoke", TargetVariant=idle)
    if answered.outcome is not Outcome.ANSWERED:
        return Said(sentence=answered.reason, value=False)
    return Said(sentence=f"{answered.variant} answered", value=answered.variant == idle)


def failing_model(scene: Scene) -> Said:
    """Ask for the error's code when the model fails."""
    outcomes = scene.once(failures_on_purpose).outcomes
    said = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.items())
    return Said(sentence=said, value=outcomes.get(Outcome.FAILED) == FAILURES)


def nothing_at_weight_zero(scene: Scene) -> Said:
    """Count the requests that a variant without weight answered before the second deploy."""
    until = scene.moment("second deploy")
    visits = [found for found in scene.visitors.since(0) if found.sent_at < until]
    strays = [found for found in visits if found.variant == SLOT_B]
    return Said(sentence=f"{len(strays)} of {len(visits)} requests", value=not strays)


def share_follows_weights(scene: Scene) -> Said:
    """Count the requests that each variant answered while both had half the weight."""
    since = _first(scene.watch.since(scene.moment("second deploy")), _is_even)
    until = _first(scene.watch.since(since), lambda look: not _is_even(look))
    variants = Counter(found.variant for found in scene.visitors.since(since) if found.sent_at < until)
    total = sum(variants[slot] for slot in SLOTS)
    if not total:
        raise NotAsked("no request was answered while both variants served")
    share = variants[SLOT_B] / total
    allowed = _SIGMAS * (0.25 / total) ** 0.5
    return Said(sentence=f"{100 * share:.1f} % of {total} requests", value=abs(share - 0.5) <= allowed)


def weights_survive_an_update(scene: Scene) -> Said:
    """Ask whether an update of the endpoint config keeps live weights by variant name."""
    before, after = _updates(scene.watch.since(scene.moment("promoted")))[0]
    said = ", ".join(f"{slot} {weight:g}" for slot, weight in after.weights.items())
    return Said(sentence=said, value=after.weights == before.weights)


def pending_update_is_told(scene: Scene) -> Said:
    """Ask whether an endpoint that gets another config says so, and keeps its old config's name meanwhile."""
    updates = _updates(scene.watch.since(0))
    told = [before for before, _ in updates if before.status == "Updating" and before.pending]
    return Said(sentence=f"in {len(told)} of {len(updates)} updates", value=len(told) == len(updates))


def update_seconds(scene: Scene) -> Said:
    """Measure how long SageMaker takes to replace the fleet."""
    spans = _spans(scene.watch.since(0), lambda look: look.pending)
    if not spans:
        raise NotAsked("no update was seen")
    return Said(sentence=", ".join(f"{span:.0f} s" for span in spans), value=round(max(spans), 1))


def no_request_is_lost(scene: Scene) -> Said:
    """Count the requests that nobody answered, in updates, in changes of weights and at rest."""
    visits = scene.visitors.since(0)
    lost = [found for found in visits if found.outcome is Outcome.UNANSWERED]
    example = f": {lost[0].reason}" if lost else ""
    return Said(sentence=f"{len(lost)} of {len(visits)} requests{example}", value=not lost)


def instance_type_of_a_scaled_variant(scene: Scene) -> Said:
    """Ask for an update that changes the instance type of a variant that is a scalable target."""
    sagemaker, name = scene.client("sagemaker"), f"{scene.endpoint_name}-other-type"
    first, *others = _variants(scene)
    other_type = _OTHER_TYPES.get(first["InstanceType"], "ml.m5.large")
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**first, "InstanceType": other_type}, *others]
    )
    scene.undoing.add(f"the endpoint config {name}", lambda: sagemaker.delete_endpoint_config(EndpointConfigName=name))
    try:
        sagemaker.update_endpoint(EndpointName=scene.endpoint_name, EndpointConfigName=name)
    except ClientError as error:
        words = words_of(error)
        return Said(sentence=words, value="deregister" in words)
    scene.quiet()
    return Said(sentence="the update was taken", value=False)


def key_for_local_storage(scene: Scene) -> Said:
    """Ask for an endpoint config with a key and instances that have NVMe storage; no instance is started."""
    sagemaker, name = scene.client("sagemaker"), f"{scene.endpoint_name}-key"
    variants = [{**variant, "InstanceType": "ml.m5d.large"} for variant in _variants(scene)]
    try:
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, KmsKeyId=_KEY)
    except ClientError as error:
        return Said(sentence=words_of(error), value="refused")
    scene.undoing.add(f"the endpoint config {name}", lambda: sagemaker.delete_endpoint_config(EndpointConfigName=name))
    return Said(sentence="the endpoint config was made", value="taken")


_KEY = "alias/aws/sagemaker"


def _variants(scene: Scene) -> list[dict[str, Any]]:
    name = scene.quiet().config_name
    config = scene.client("sagemaker").describe_endpoint_config(EndpointConfigName=name)
    variants: list[dict[str, Any]] = config["ProductionVariants"]
    return variants


def _updates(looks: Sequence[Look]) -> list[tuple[Look, Look]]:
    """Return the looks before and after each change of the endpoint config.

    Raises:
        NotAsked: there was none.
    """
    found = [(before, after) for before, after in pairwise(looks) if before.config_name != after.config_name]
    if not found:
        raise NotAsked("no update was seen")
    return found


def _is_even(look: Look) -> bool:
    return len(set(look.weights.values())) == 1


def _first(looks: Sequence[Look], holds: Callable[[Look], bool]) -> float:
    """Return when a condition held first; infinity when it never did."""
    return next((look.at for look in looks if holds(look)), math.inf)


def _spans(looks: Sequence[Look], holds: Callable[[Look], bool]) -> list[float]:
    """Return for how many seconds a condition held, each time that it did."""
    spans: list[float] = []
    began: float | None = None
    for look in looks:
        if holds(look) and began is None:
            began = look.at
        elif not holds(look) and began is not None:
            spans.append(look.at - began)
            began = None
    return spans
