"""Visitors who know the published rule, on two routes: through the API, and straight to SageMaker."""

from collections.abc import Mapping

import boto3
from canary_construct_client import CohortRules

from canary_construct.props.cohort_rule import VIEWER_COUNTRY_HEADER
from canary_tools.sandbox.emulator.settings import REGION
from examples.recommender.cohort_visits import API, CACHE_SECONDS, DIRECT, CohortVisitors
from examples.recommender.senders import ApiSender, RuntimeSender
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.front_door import FrontDoor


def cohort_visitors(shop: DeployedShop, door: FrontDoor, *, requests_per_second: float = 6.0) -> CohortVisitors:
    """Return visitors that send what `canary_construct_client` says, and their country."""
    rules = CohortRules(
        shop.ledger_table(), shop.name, cache_seconds=CACHE_SECONDS, client=shop.stage.client("dynamodb")
    )
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    through_the_api = ApiSender(
        session, door.url, region=REGION, headers=lambda user: {**rules.headers(str(user)), **_country(user)}
    )
    straight = RuntimeSender(
        shop.stage.shopping_client(),
        shop.name,
        target_variant=lambda user: rules.target_variant(user_id=str(user), headers=_country(user)),
    )
    return CohortVisitors({API: through_the_api, DIRECT: straight}, requests_per_second=requests_per_second)


def country_of(user: int) -> str:
    """Return where a user lives: every second one in Germany."""
    return "FR" if user % 2 else "DE"


def _country(user: int) -> Mapping[str, str]:
    return {VIEWER_COUNTRY_HEADER: country_of(user)}
