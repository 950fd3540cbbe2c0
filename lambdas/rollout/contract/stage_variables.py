"""The stage variables of a front door that hold the cohort's rule.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/amazon-api-gateway-using-stage-variables.html
"""

VARIANT, HEADER, VALUES, BUCKETS = "cohortVariant", "cohortHeader", "cohortValues", "cohortBuckets"
NONE = "none"
AT_REST = {VARIANT: NONE, HEADER: NONE, VALUES: NONE, BUCKETS: "0000"}
"""No request matches. A deploy sets this and every rollout leaves it; rollouts alone set a rule."""
