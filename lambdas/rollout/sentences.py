"""What people read: why a rollout ended, why a deploy was refused, what needs attention. Gates have their own."""

# What an event tells of a rollout that goes on
STARTED = "the rollout of {version} begins in {canary}; {stable} serves"
STEP_BEGINS = "step {number} of {of} begins: {share:g} % of the requests go to the canary"
COHORT_STEP_BEGINS = "step {number} of {of} begins: {title} goes to the canary"
RESUMED = "resumed by {order}"
APPROVED = "approved by {order}"
NOT_HELD = "nothing holds the rollout any more"

# Why a rollout ended, or cannot go on yet
PROMOTED = "every step passed"
HELD_BACK = "every step passed; the former release keeps {percent} % of the traffic for {hours:g} h, to compare with"
HELD_BACK_SHORTER = "every step passed; the hold-back ended before its time: {why}"
HOLDING_BACK = "{lasted:,.0f} of {duration:,} s of the hold-back: {why}"
HELD_BACK_TO_THE_END = "the hold-back is over: {why}"
NEW_DEPLOY = "a new deploy began"
OTHER_CONFIG = "endpoint {endpoint} is on config {now}, the rollout started on {pinned}"
OTHER_WEIGHTS = "another hand changed the weights of endpoint {endpoint} to {now}"
WEIGHTS_NOT_TAKEN = "endpoint {endpoint} did not take the weights {wanted} in time, it has {now}"
WEIGHT_ZERO_NOT_TAKEN = "endpoint {endpoint} did not take weight 0 for {canary} yet"
TOO_FEW_INSTANCES = "{canary} has {found} of {needed} instances"
NO_MORE_INSTANCES = (
    "{canary} has {found} of the {needed} instances that it needs, and no more came in {minutes:.0f} minutes"
)
GROWS_TOO_FAST = (
    "{canary} has {found} of the {needed} instances that it needs after {minutes:.0f} minutes; the traffic grew while "
    "they came"
)
NOT_SCALABLE = "{slot} of endpoint {endpoint} is no scalable target any more"
OVER_MAXIMUM = (
    "the current {rate:,.0f} requests a minute need {needed} instances of {slot} at {per_instance:,} each, but its "
    "max_instances is {maximum}"
)
FOLLOWED_OVER_MAXIMUM = (
    "the current traffic needs {needed} instances of {slot}, by the metrics that its scaling follows, but its "
    "max_instances is {maximum}"
)
NO_DECISION = "no decision in {elapsed:,.0f} s at {step}: {why}"
BAKING = "{baked:,.0f} of {bake:,} s at {step}: {why}"
BLIND = "no metrics of the canary for {blind:,.0f} s at {step}, so the traffic went back to stable: {why}"
ON_THE_WAY = "{share:g} % on the way to {step}: {why}"
SHARE_NOT_SEEN = "no whole metric period at {share:g} % is published yet"
NEWEST_AGAINST = "the newest metric periods speak against the canary (gate {gate}), so nothing is raised"
EVIDENCE_RISES = "the evidence against the canary rises (gate {gates}), so nothing is raised"
MAY_BE_WORSE = "by gate {gate} the canary may still be {points:.2g} percentage points worse"
FEW_REQUESTS = "the canary had {requests:,} of the {least:,} requests that this step needs"
NOT_PROVEN = "it is not shown yet that the canary is as good as stable: {why}"
NO_MORE_CHANGES = (
    "its share is not raised any more, because it has changed {changes} times in this rollout and waited {minutes:.0f} "
    "minutes for instances and weights"
)
SHARE_CHANGES = "{before:g} % becomes {share:g} %: {why}"
RAISED = "what it may still break is within the harm budget"
BRAKED = "brake: gate {gate} has evidence of 1 in {odds:,.0f} against the canary in its newest {periods} metric periods"
BRAKED_TOO_OFTEN = "{why}; its share was lowered {times} times before"
PAUSED = "paused by {order}"
BEFORE_ANY_REQUEST = "{raised}, before the release has had a request"
CUT_SHORT = "the rest of the bake was skipped by {order}"
CUT_SHORT_AT = "at {percent} % {by}"
AWAITS_APPROVAL = "it waits for approval until {until}"
OUTSIDE_WINDOWS = "nothing is raised outside {windows}; the next window opens at {opens}"
NEVER_OPENS = "nothing is raised outside {windows}, and none of these ever comes"
NOT_APPROVED = "nobody approved {step} in {hours:.3g} h"
AWAITS_DECISION = "its time is over, and it waits for a person to approve or reject it until {until}"
TAKEN_AS_PASSED = "taken as passed by {order}"
NOT_DECIDED_YET = "approved by {order}, it goes on when new metrics have come and nothing stands against it"
NOBODY_DECIDED = "nobody decided about {step} in {hours:.3g} h: {why}"
HELD_TOO_LONG = "the rollout was held for {hours:.1f} h, and its plan has room for {limit:g} h"
NOTHING_NEW = "no new metrics of every slot that should serve"
LACKS = "gate {gate} lacks the metrics of {side} in {periods:,} metric periods"
LATE = "metrics come {late:,.0f} s late here"
NOT_ANSWERED = "CloudWatch did not tell the metrics: {error}"
ALARMS_DELETED = (
    "the alarms {alarms} do not exist any more; create them again under these names, or take them out of the alarms of "
    "the construct and deploy, and start the rollout again"
)
ALARMS_UNKNOWN = "the state of {alarms} is unknown"
FAILED = "failed"
SLOWER = "took more than {limit:,.0f} ms"
NO_REQUESTS = "there were none"
COMPARED = "of the canary's requests {canary}, of stable's {stable}{when}"
WHEN_IT_SERVED = " when it last served"
FINE_AGAIN = "of stable's, which has the traffic back, {counts}"
BOTH_AGAIN = "of stable's, which has the traffic back, {counts} as well, so nobody was judged"
NOT_SEEN_AGAIN = "what stable does with the traffic that it has back was not published in time, so nobody was judged"
SEEN_SOON = (
    "endpoint {endpoint}: whether {stable}, which has the traffic back, has the trouble as well is not known yet"
)
STABLE_UNSEEN = "of the canary's requests {canary}; what stable did at that time is not published yet"
IMPOSSIBLE_COUNTS = "CloudWatch says that {bad:g} of the canary's {total:g} requests were bad, which cannot be"
WITHIN_LIMITS = "the canary's newest metric periods are within the limits"
BOTH = "{counts}; both have this trouble, so no traffic is shifted while it lasts"
USUAL = "{counts}; stable had this trouble before the rollout, too"
ALARM_EXPLAINED = "{alarms}: {why}"
ALARM_UNEXPLAINED = "{alarms}, and CloudWatch does not show why: {why}"
NO_ANSWER = "smoke test {number} of {count} was not answered: {error}"
NO_ANSWER_OF_EITHER = (
    "smoke test {number} of {count} was not answered by the release that serves either: look at the payload first. "
    "The new release said: {error}"
)
WRONG_ANSWER = "smoke test {number} was answered by {variant}, not by {canary}"
SERVES_ALREADY = "version {version} serves already"
NOT_IN_IDLE_SLOT = "the idle slot {canary} does not hold the release that was deployed last"
ROLLED_BACK_BEFORE = "version {version} was rolled back before; deploy it under a new version"
LOCK_HELD = "the lock of endpoint {endpoint} is held by {holder}, not by {execution}"
LOCK_NOT_PINNED = "the lock of endpoint {endpoint} is not held by rollout {execution}"
OVER_ALREADY = "rollout {execution} is over already"
NOT_ANNOUNCED = "rollout {execution} could not announce that it raises exposure"
NOT_DECIDED = "rollout {execution} could not decide its promotion"
WAY_BACK = "{to} serves again instead of {leaves}: rolled back by {order}"
BACK_FROM_UNKNOWN = "the ledger does not know the release that serves, in {stable}, nor what served before"
NOTHING_BEFORE = "there is nothing to go back to: no rollout has promoted {version} over another release"
FORMER_IS_GONE = (
    "the traffic cannot go back to {former}, which served before {version}: {idle} holds {holds} by now; deploy "
    "{former} again"
)
FORMER_REJECTED = "the traffic cannot go back to {former}: it was rolled back itself"
BACK_CHANGED = "the order was to go back from {leaves} to {to}; by now {serving} serves, and {former} was before"
NEVER_STARTED = "the execution was never started"
STACK_DELETED = "the stack is being deleted"
NOT_RESTORED_YET = "endpoint {endpoint} could not be restored yet"
NOT_RESTORED = "{reason}; endpoint {endpoint} could not be restored: {error}"
NOT_SETTLED = "endpoint {endpoint} is {status}; the stack cannot be settled yet"
TWO_SERVE = (
    "exactly one variant of endpoint {endpoint} must have all the weight, got {weights}; set the weight of the variant "
    "that must not serve to 0 with UpdateEndpointWeightsAndCapacities"
)
CONFIG_DELETED = (
    "somebody deleted the endpoint config that endpoint {endpoint} is on ({error}); create it again under this name "
    "with the two variants and models of the endpoint, or remove the construct from the stack, deploy, and add it again"
)
NOT_IN_SERVICE = "endpoint {endpoint} is {status}{why}; it must be InService"

# Why a deploy was refused
ROLLOUT_RUNS = "{rollout} of endpoint {endpoint} is running; wait for its end, or abort it, and deploy again"
ROLLOUT_DEAD = (
    "rollout {execution} of endpoint {endpoint} cannot go on ({cause}), and what it left cannot be restored: {error}; "
    "remove what prevents this, and deploy again"
)
NAME_TAKEN = (
    "an endpoint named {endpoint} exists already and is not part of this stack; choose another endpoint_name or delete "
    "it"
)
DELETED_OUTSIDE = (
    "endpoint {endpoint} was deleted outside this stack; remove the construct from the stack, deploy, and add it again"
)
DEPLOY_ENDED = "this deploy of endpoint {endpoint} has ended meanwhile; deploy again"
OTHER_TYPE = (
    "the instance_type of endpoint {endpoint} must stay {before}, got {now}: it belongs to every release that has none "
    "of its own; give the release its instance_type and a new version, and deploy again"
)
STAYS_REGISTERED = (
    "{slots} of endpoint {endpoint} must have no scalable target while the instance type changes, and another hand "
    "registers it again and again; let nothing else scale this endpoint, and deploy again"
)
HOSTING_LOST = (
    "the hosting of endpoint {endpoint} must keep what the release that serves was started with ({knobs}); give the "
    "hosting a value for it, which may be another one, and deploy again"
)
OTHER_CONTENT = (
    "version {version} already names another content ({known}, now {new}); give the new content a new version"
)
REJECTED = "version {version} was rolled back before; choose a new version to try it again"
UNREADABLE = (
    "version {version} stays in a slot and reads its archive from bucket {bucket}, which the models' role may not read "
    "after this deploy; add the bucket to model_buckets, and deploy again"
)
KEY_GONE = (
    "version {version} stays in a slot and reads its archive with key {key}, which the models' role may not use "
    "after this deploy; give the archive's bucket with its encryption_key in model_buckets, and deploy again"
)
FUNCTION_GONE = (
    "version {version} stays in a slot and takes its image from a registry with the credentials of function "
    "{function}, which the models' role may not call after this deploy; give this release in kept_releases, and deploy "
    "again"
)
ROLE_GONE = (
    "version {version} stays in a slot and runs under role {role}, which this deploy would take away or let read "
    "less; call keep_role() on the endpoint, with this role if you made it, and deploy again"
)
PACKAGE_NOT_APPROVED = (
    "model package {package} is {approval}, and must be Approved; approve it in the registry, and deploy again"
)
PACKAGE_UNFINISHED = "model package {package} is {status}, and must be Completed; wait until it is, and deploy again"
PACKAGE_UNKNOWN = "the registry does not know model package {package} ({error}); name a version that is there"
PACKAGE_UNVERSIONED = (
    "model package {package} is no version of a group; name a version, such as .../model-package/ranker/7"
)
PACKAGE_UNREADABLE = (
    "version {version} reads its model data from bucket {bucket}, as its model package says, and the models' role may "
    "not read that bucket after this deploy; add the bucket to model_buckets, and deploy again"
)
NOT_AT_REST = (
    "endpoint {endpoint} is on endpoint config {config}, but has not come to rest in {minutes} minutes: it is "
    "{status}{why}"
)
NOT_MOVED = "SageMaker did not move endpoint {endpoint} to endpoint config {config}: it is {status} on {now}{why}"
MOVED_BY_ANOTHER = (
    "another hand moved endpoint {endpoint} to endpoint config {now}, and this deploy leaves it there: it has endpoint "
    "config {config}, as the deploy before; update the endpoint to {config} with RetainAllVariantProperties, or deploy "
    "a new version"
)
FLEET_ALARMS_RAISED = "; of the alarms that SageMaker watched meanwhile, {raised}"
FLEET_ALARMS_QUIET = "; SageMaker watched {alarms} meanwhile, and their history says whether one was in ALARM"
ADOPTS_OWN = (
    "this stack does not own endpoint {endpoint}; import it into the stack under the logical ID that it has there, and "
    "deploy again"
)
ADOPTED_ALREADY = "endpoint {endpoint} has its two variants already; give the construct a release, and deploy again"
ADOPTS_SLOTS = (
    "endpoint {endpoint} has the two variants of a CanaryEndpoint that it has left, and can be adopted with one "
    "variant of another name; update it to an endpoint config with one such variant, and import it anew with that "
    "config"
)
ADOPTS_FIRST = (
    "endpoint {endpoint} can be adopted when a deploy without a release has succeeded, because only then can "
    "CloudFormation undo the adoption; leave the release out, deploy, and deploy again with it"
)
ADOPTS_CONFIG = (
    "endpoint {endpoint} is on endpoint config {now}, and adopt says {said}; update the endpoint to the latter, or "
    "import it anew with the former"
)
ADOPTS_ONE_VARIANT = (
    "endpoint config {config} has the variants {found}; an endpoint can be adopted when {variant} is its only one"
)
ADOPTS_WITHOUT = (
    "endpoint config {config} uses {lost}, which the endpoint would lose when it is adopted; let the construct declare "
    "it if it can, or update the endpoint to a config without it first"
)
ADOPTS_TYPE = "{variant} of endpoint config {config} runs on {now}, and instance_type says {wanted}; say the former"
ADOPTS_HOSTING = (
    "{variant} of endpoint config {config} is started with {knobs}; give the hosting of the construct a value for it, "
    "and deploy again"
)
ADOPTS_FEWER = "{variant} has {instances} instances, and max_instances says {maximum}; say at least as many"
ADOPTS_SCALING = (
    "{variant} is scaled by {names}, which could not be put back if the deploy is undone: only target tracking can; "
    "note how it scales, delete it, and deploy again"
)
WAIT = "wait until it is, and deploy again"
MAKE_ANEW = "remove the construct from the stack, deploy, and add it again"


def in_alarm(alarms: list[str]) -> str:
    """Say that they are in ALARM.

    >>> in_alarm(["errors"]), in_alarm(["errors", "latency"])
    ('errors is in ALARM', 'errors, latency are in ALARM')
    """
    return f"{', '.join(alarms)} {'is' if len(alarms) == 1 else 'are'} in ALARM"


def was_in_alarm(alarms: list[str]) -> str:
    """Say that they have been in ALARM since before the rollout.

    >>> was_in_alarm(["errors"])
    'errors was in ALARM before the rollout began'
    """
    return f"{', '.join(alarms)} {'was' if len(alarms) == 1 else 'were'} in ALARM before the rollout began"
