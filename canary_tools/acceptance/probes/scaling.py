"""Questions to Application Auto Scaling."""

from rollout.contract.names import SCALED_SERVICE, SLOTS

from canary_tools.acceptance.experiments import change_of_bounds
from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import NotAsked, Scene

COLLISIONS = ("ConcurrentUpdateException", "FailedResourceAccessException", "in-progress endpoint")


def bounds_move_the_count(scene: Scene) -> Said:
    """Ask whether bounds that exclude the count move it at once."""
    change = scene.once(change_of_bounds)
    return Said(
        sentence=f"{change.desired} are desired, and the endpoint is {change.status}",
        value=change.desired == change.count + 1,
    )


def launch_seconds(scene: Scene) -> Said:
    """Measure how long one more instance takes."""
    seconds = scene.once(change_of_bounds).seconds
    if seconds is None:
        raise NotAsked("the bounds did not move the count")
    return Said(sentence=f"{seconds:.0f} s", value=round(seconds, 1))


def collision(scene: Scene) -> Said:
    """Ask how a registration is refused while the endpoint changes."""
    words = scene.once(change_of_bounds).refusal
    if not words:
        return Said(sentence="the registration was taken", value="taken")
    known = any(name in words for name in COLLISIONS)
    return Said(sentence=words, value="refused" if known else "refused in other words")


def handlers_may_register(scene: Scene) -> Said:
    """Ask whether all that the handlers may do lets them register: while a rollout runs, scale-in is suspended.

    This is no proof that less would do: `permissions.narrow_registration` asks for that.
    """
    targets = scene.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace=SCALED_SERVICE,
        ResourceIds=[f"endpoint/{scene.endpoint_name}/variant/{slot}" for slot in SLOTS],
    )["ScalableTargets"]
    suspended = [target for target in targets if target["SuspendedState"]["DynamicScalingInSuspended"]]
    said = f"scale-in is suspended on {len(suspended)} of {len(targets)} variants"
    return Said(sentence=said, value=len(suspended) == len(SLOTS))
