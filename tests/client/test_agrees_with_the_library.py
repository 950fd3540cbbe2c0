"""The client shares no code with the library, so what both know is compared here."""

from collections.abc import Iterator
from typing import Any

import pytest
from canary_construct_client import CohortRules, bucket_header
from canary_construct_client.answers import RELEASES_HEADER, VARIANT_HEADER
from canary_construct_client.buckets import BUCKETS
from rollout.contract.cohort import Cohort
from rollout.ledger import Ledger

from canary_construct import CohortRule
from canary_construct.front_door import responses
from canary_construct.props import cohort_rule
from tests.lambdas.fakes.dynamodb import Table

ENDPOINT, SALT = "recommender", "rollout-1"
EVERYBODY = CohortRule.share_of_users(99.99)
GERMANS = CohortRule.regions(["DE"], expected_percent=20)


class DynamoDb:
    """boto3's client of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._table.call("UpdateItem", request)

    def get_item(self, **request: Any) -> dict[str, Any]:
        return self._table.call("GetItem", request)


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.drop()


def rules_once_published(rule: CohortRule, table: Table) -> CohortRules:
    client = DynamoDb(table)
    ledger = Ledger(ENDPOINT, table=table.name, client=client)
    ledger.publish_cohort(Cohort(variant="variant-b", rule=rule.for_handlers(), salt=SALT))
    return CohortRules(table.name, ENDPOINT, client=client)


def test_the_client_reads_the_share_of_users_that_a_rollout_publishes(table: Table) -> None:
    rules = rules_once_published(EVERYBODY, table)
    assert rules.target_variant(user_id="user-17") == "variant-b"
    assert rules.headers("user-17") == {cohort_rule.BUCKET_HEADER: bucket_header("user-17", SALT)}


def test_the_client_reads_the_header_values_that_a_rollout_publishes(table: Table) -> None:
    rules = rules_once_published(GERMANS, table)
    assert rules.target_variant(headers={GERMANS.header: "DE"}) == "variant-b"
    assert rules.target_variant(headers={GERMANS.header: "FR"}) is None


def test_both_deal_users_into_as_many_buckets() -> None:
    assert BUCKETS == cohort_rule.BUCKETS


def test_the_client_reads_the_headers_that_the_api_sends() -> None:
    sent = (responses.VARIANT_HEADER.lower(), responses.RELEASE_HEADER.lower())
    assert sent == (VARIANT_HEADER, RELEASES_HEADER)
