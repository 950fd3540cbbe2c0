"""The ledger's stream: it calls a handler when a person orders a rollout to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from constructs import Construct

ORDERS = {"dynamodb": {"NewImage": {"record": {"S": ["lock"]}, "halted": {"S": [{"exists": True}]}}}}
"""What the handler is called for: a lock that says `halted`. Lambda drops all other records and charges nothing."""
MAX_RECORD_AGE = Duration.hours(6)
RETRY_ATTEMPTS = 20
"""Of a call that fails after its 15 minutes."""
CALLS_AT_A_TIME = 10
"""Per shard, the most that Lambda allows: an endpoint that is busy holds up few others."""


def call_on_orders(scope: Construct, function: lambda_.Function, ledger: dynamodb.Table) -> None:
    """Call this handler for each order, one at a time for each endpoint.

    The stream is read from its oldest record on, so that none is missed while the mapping is made. Sources:
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html,
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
    """
    mapping = lambda_.EventSourceMapping(
        scope,
        "Orders",
        target=function,
        event_source_arn=ledger.table_stream_arn,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=1,
        parallelization_factor=CALLS_AT_A_TIME,
        retry_attempts=RETRY_ATTEMPTS,
        max_record_age=MAX_RECORD_AGE,
        filters=[lambda_.FilterCriteria.filter(ORDERS)],
    )
    assert function.role is not None
    mapping.node.add_dependency(function.role)
