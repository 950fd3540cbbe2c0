"""The tags by which tools find an endpoint: on its state machine, which comes and goes with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollout.contract.names import CONSTRUCT_TAG, LEDGER_TAG, STACK_ID_TAG, TAG

from canary_construct.cdk.outermost_stack import outermost_stack

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from constructs import IConstruct

MAX_TAG_VALUE = 256
_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")
"""Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_Tag.html"""


def found_by(scope: IConstruct, *, endpoint_name: str, ledger: dynamodb.ITable) -> dict[str, str]:
    """Return what the state machine of an endpoint tells of it."""
    return {
        TAG: endpoint_name,
        LEDGER_TAG: ledger.table_name,
        STACK_ID_TAG: outermost_stack(scope).stack_id,
        CONSTRUCT_TAG: _NOT_IN_TAGS.sub("_", scope.node.path)[-MAX_TAG_VALUE:],
    }
