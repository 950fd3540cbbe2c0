"""Named exceptions of a rollout. The state machine catches them by name; the message is what people read."""


class RolloutError(Exception):
    """Ends a rollout: the state machine rolls back and shows the message as the reason."""


class EndpointBusy(RolloutError):
    """Raised when SageMaker refuses a change because another one is in progress; worth another try."""


class Throttled(RolloutError):
    """Raised when an AWS service limits the rate of calls; worth another try."""


class Unavailable(RolloutError):
    """Raised when an AWS service gave no answer or failed on its side; worth another look and another try."""


class EndpointNotFound(RolloutError):
    """Raised when the endpoint does not exist (any more)."""


class EndpointUnusable(RolloutError):
    """Raised when the endpoint is in a status or on weights from which no rollout can start or go on."""


class EndpointChanged(RolloutError):
    """Raised when the endpoint left the config or the weights of this rollout by another hand."""


class LockLost(RolloutError):
    """Raised when the lock of the endpoint belongs to somebody else."""


class Halted(RolloutError):
    """Raised when exposure was ordered to zero: by an alarm, an operator or a stopped execution."""


class RolledBackByHand(RolloutError):
    """Raised when a person took the traffic of a promoted release back; that person has judged it."""


class AlarmRaised(RolloutError):
    """Raised when an alarm of the canary or of the caller is in ALARM."""


class AlarmRaisedAlone(RolloutError):
    """Raised when an alarm of the canary is in ALARM while stable serves nobody: the traffic goes back, and shows."""


class GateFailed(RolloutError):
    """Raised when the evidence is against the canary."""


class CannotBegin(RolloutError):
    """Raised when something that is not the release's stands against its first share: an alarm, or its absence."""


class EndpointTooSlow(RolloutError):
    """Raised when SageMaker did not finish a change in the time that the plan gives it."""


class CapacityUnavailable(RolloutError):
    """Raised when the instances that a step needs are not allowed or do not come in time."""


class PromotionUnfinished(RolloutError):
    """Raised when a promotion met a fault; it may be decided already, and then it is completed, never undone."""


class NotRestored(RolloutError):
    """Raised when the safe end could not be reached in any of the tries; the restore path goes on."""


class SmokeTestFailed(RolloutError):
    """Raised when the canary does not answer a smoke-test request with success."""


class Inconclusive(RolloutError):
    """Raised when a step used all its bake time and still lacks evidence."""


class NotApproved(RolloutError):
    """Raised when a step waited for a person's approval as long as it may."""


class HeldTooLong(RolloutError):
    """Raised when people held a rollout longer than its plan has room for."""


class MetricsMissing(RolloutError):
    """Raised when nothing of the canary was seen for so long that its traffic must not stay; nobody was judged."""


class NothingToRelease(RolloutError):
    """Raised when no release waits in the idle slot."""


class PayloadTooNew(RolloutError):
    """Raised by handlers that are older than the state machine's input; waiting does not help them."""


class DeployRefused(RolloutError):
    """Raised when a deploy would be unsafe now; nothing was changed."""


AGAINST_THE_RELEASE = frozenset(
    error.__name__ for error in (AlarmRaised, GateFailed, RolledBackByHand, SmokeTestFailed)
)  # fmt: skip
"""What shows that the release is bad: its version label is spent."""
AGAINST_A_PROMOTED = frozenset(
    error.__name__ for error in (AlarmRaised, AlarmRaisedAlone, GateFailed, MetricsMissing, RolledBackByHand)
)  # fmt: skip
"""What takes the traffic of a promoted release back in its hold-back. Whatever else ends it leaves it the traffic.
`MetricsMissing`: an alarm of the release is in ALARM, and nobody can say whose fault that is."""
WAITED_FOR = tuple(
    error.__name__ for error in (EndpointBusy, Throttled, Unavailable, PromotionUnfinished)
)  # fmt: skip
"""What passes by itself: the state machine asks again for as long as its patience lasts."""
DECIDED = tuple(sorted({error.__name__ for error in RolloutError.__subclasses__()} - set(WAITED_FOR)))
"""What a handler decided: to ask again changes nothing. Any other error is a handler that died."""
