"""Questions to CloudFormation, EventBridge and Step Functions that the walk itself answers."""

from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import NotAsked, Scene
from canary_tools.acceptance.stack import Deploy

TAGGED, BROKEN = "tags", "broken"
"""Names of the deploys that change only tags, and that SageMaker cannot carry out."""
_ENDPOINT_TYPE, _GUARD_TYPE = "AWS::SageMaker::Endpoint", "Custom::ReleaseSlots"
_PROOF = "VerifiedEndpoint"


def tags_update_the_endpoint(scene: Scene) -> Said:
    """Ask whether a change of tags alone updates the endpoint."""
    return _updated(_deploy(scene, TAGGED), _ENDPOINT_TYPE)


def tags_call_the_guard(scene: Scene) -> Said:
    """Ask whether a change of tags alone calls the custom resources."""
    return _updated(_deploy(scene, TAGGED), _GUARD_TYPE)


def failed_update_is_noticed(scene: Scene) -> Said:
    """Ask whether CloudFormation notices that SageMaker went back to the old fleet."""
    reasons = _deploy(scene, BROKEN).reasons
    if not reasons:
        return Said(sentence="the deploy succeeded", value=False)
    first = reasons.splitlines()[0]
    return Said(sentence=first, value=_PROOF not in first)


def rollout_starts(scene: Scene) -> Said:
    """Measure how long after the end of a deploy its rollout starts."""
    return _span(scene, since="second deploy ended", until="rollout started")


def stop_is_answered(scene: Scene) -> Said:
    """Measure how long after `StopExecution` the canary has no traffic."""
    return _span(scene, since="stopped", until="no traffic after the stop")


def alarm_is_answered(scene: Scene) -> Said:
    """Measure how long after an alarm went off the canary has no traffic."""
    return _span(scene, since="alarm", until="no traffic after the alarm")


def _updated(deploy: Deploy, kind: str) -> Said:
    kinds = ", ".join(deploy.updated) or "nothing"
    return Said(sentence=f"updated: {kinds}", value=kind in deploy.updated)


def _deploy(scene: Scene, name: str) -> Deploy:
    if name not in scene.deploys:
        raise NotAsked("the walk did not come to this deploy")
    return scene.deploys[name]


def _span(scene: Scene, *, since: str, until: str) -> Said:
    seconds = scene.moment(until) - scene.moment(since)
    return Said(sentence=f"{seconds:.0f} s", value=round(seconds, 1))
