"""How long, how often and how late: numbers that synth calculates with and handlers keep."""

FINAL_AFTER_PERIODS = 2
"""The gates read a metric period that ended this many periods ago; SageMaker's delay is not documented."""
GATE_PERIODS = 5
"""A gate must have seen this many metric periods before a step passes."""
PREPARE_SECONDS = 15 * 60
"""How long a rollout waits for alarms of an earlier release to end and for the endpoint to be quiet."""
MAX_EVENTS = 25_000
"""In one execution's history. Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
ROLLBACK_TRIES = 12
"""How often the state machine starts a rollback that AWS refused for as long as a Lambda may run."""
ROLLBACK_REPETITIONS = 30
"""How often each of these is repeated when its Lambda dies: for more than an hour and a half."""
