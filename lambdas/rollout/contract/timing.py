"""How long, how often and how late: numbers that synth calculates with and handlers keep."""

METRICS_SETTLED_SECONDS = 15 * 60
"""A value that did not come within this time after the end of its metric period counts as missing.

AWS does not document how late SageMaker's metrics come. Delays of four minutes are reported, and ten are tried here;
for longer ones a rollout would judge users' present by their past.
"""
OVERTAKEN_SECONDS = 3 * 60
"""A value counts as missing sooner when another value of the same slot and namespace came that is this much newer.

Each value has a delay of its own, so that a newer one may come first. Those of one source differ by less than this:
delays between 30 s and 3 minutes are what people see.
"""
METRIC_DELAY_SECONDS = 90
"""How long after the end of a period its metrics are assumed to come until it is seen. Not documented by AWS."""
WEIGHTS_TAKE_SECONDS = 30
"""How long a change of weights is assumed to take."""
MOST_CHANGES = 30
"""How often a rollout may change its share. Shares rise by a third or more each time, so that this ends a fault of
pacing and no rollout."""
SOON_SECONDS = 5 * 60
SOON_LOOK_SECONDS = 30
SOON_CHANGES = 12
"""So long after its change a paced share is looked at so often: its first metrics come in this time. Only so many
changes have room for it in an execution's history; a good release needs six to eight."""
SUCCESSOR_PERIODS = 1
"""A metric period is complete when its successor has come: this many periods after its own values at the earliest."""
BLIND_SECONDS = 2 * METRICS_SETTLED_SECONDS
"""The canary gives its traffic back when nothing of it was seen for so long. Nothing is raised in this time.

Gates and alarms are blind then. It is twice the time after which what is missing is missing, so that metrics that come
as late as they may do not end a rollout, and an outage of CloudWatch of ten minutes does not, either.
"""
LOST_SECONDS = 5 * 60
"""So many seconds of metrics may be lost in a step whose `max_bake` is no longer than its bake."""
SERVES_AGAIN_SECONDS = 10 * 60
"""How long a rollout that an alarm ended while stable served nobody waits for what stable does with its traffic.

Its first metric period and the successor of that come within six minutes when they are as late as four minutes. One
invocation of a rollback can wait so long.
"""
HIGH_RESOLUTION_SECONDS = 3 * 3600
"""CloudWatch keeps metric periods of less than 60 s for so long; a query that begins earlier gets none of them.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""
GATE_PERIODS = 5
"""A gate must have seen this many metric periods before a step passes."""
RAISING_SECONDS = 30
"""How long an announcement in the lock holds for each call that raises. None is repeated, so that it takes 13 s at most
(`clients`); the rest is for clocks that differ."""
PREPARE_SECONDS = 15 * 60
"""How long a rollout waits for alarms of an earlier release to end and for the endpoint to be quiet."""
MAX_EVENTS = 25_000
"""In one execution's history. Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
ROLLBACK_TRIES = 12
"""How often the state machine starts a rollback that AWS refused for as long as a Lambda may run."""
ROLLBACK_REPETITIONS = 30
"""How often each of these is repeated when its Lambda dies: for more than an hour and a half."""
OUTAGE_REPETITIONS = 24
"""How often a task is repeated while AWS refuses or does not answer: for 20 minutes, with a pause of a minute at most,
and for 45 when each of them hangs until its minute is over.
AWS's own incidents of a metric or control API are usually shorter, and users are served meanwhile."""
OUTAGE_FIRST_PAUSE_SECONDS, OUTAGE_LONGEST_PAUSE_SECONDS = 2, 60
CRASH_REPETITIONS = 3
"""How often a task is repeated whose Lambda died, or failed without a decision. More than that is no accident."""
CRASH_FIRST_PAUSE_SECONDS = 5
OVER_MAXIMUM_SECONDS = 15 * 60
"""How long traffic may need more than `max_instances` before a rollout ends for it: a peak of a minute is seen for the
five minutes that capacity is judged by, and retries multiply it for some more."""
LOOKS_OVER_MAXIMUM = 3
"""The same in looks, where a bake of days is looked at less often than that."""
CAPACITY_TIMEOUTS = 2
"""How many time-outs for instances a step may take in all, when instances come but the traffic grows meanwhile."""
SCALE_IN_LOOK_BACK_SECONDS = 15 * 60
"""Target tracking removes instances after 15 minutes under nine tenths of its target: its alarm has 15 periods of 60 s.
Sources: https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html, and
the alarms as people found them: aws/copilot-cli#4233, aws-samples/amazon-aurora-labs-for-mysql#3"""
LANDING_SECONDS_AT_MOST = 60 * 60
"""How long after its end a rollout's instances are kept though no metric comes. Target tracking removes none either
while its metric is missing. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html"""


def longest_bake_seconds(bake_seconds: int, max_bake_seconds: int) -> int:
    """Return how much of a step may have come before it ends without a decision.

    >>> longest_bake_seconds(1800, 7200), longest_bake_seconds(1800, 1800)
    (7200, 2100)
    """
    return max(max_bake_seconds, bake_seconds + LOST_SECONDS)
