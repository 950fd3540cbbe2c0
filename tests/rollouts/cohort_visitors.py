"""Visitors who know the published rule, on two routes: through the API, and straight to SageMaker."""

import time
from collections.abc import Mapping
from typing import Any

import boto3
from canary_construct_client import CohortRules

from canary_construct.props.cohort_rule import VIEWER_COUNTRY_HEADER
from canary_tools.sandbox.emulator.settings import REGION
from examples.recommender.model.data import USERS
from examples.recommender.shop.cohort_visits import API, CACHE_SECONDS, DIRECT, CohortVisitors
from examples.recommender.shop.senders import ApiSender, RuntimeSender
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.front_door import FrontDoor
from tests.rollouts.stage import PATIENCE_SECONDS


class RuleReads:
    """The ledger's client of all visitors, which remembers when each of their reads of the rule began."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._began_at: list[float] = []

    def get_item(self, **request: Any) -> Any:
        """Read, as boto3's client does."""
        self._began_at.append(time.time())
        return self._client.get_item(**request)

    def known_from(self, moment: float) -> float:
        """Return since when every visitor acts on what was published at a moment; 0 while it is not certain.

        One read runs at a time. The first one after the moment brings the rule; when the second begins, it is in use.
        """
        later = [began_at for began_at in list(self._began_at) if began_at >= moment]
        return later[1] if len(later) > 1 else 0.0


def cohort_visitors(
    shop: DeployedShop, door: FrontDoor, reads: RuleReads, *, requests_per_second: float = 6.0
) -> CohortVisitors:
    """Return visitors that send what `canary_construct_client` says, and their country."""
    rules = CohortRules(shop.ledger_table(), shop.name, cache_seconds=CACHE_SECONDS, client=reads)
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    through_the_api = ApiSender(
        session,
        door.url,
        region=REGION,
        headers=lambda user: {**rules.headers(str(user)), **_country(user)},
        timeout_seconds=PATIENCE_SECONDS,
    )
    straight = RuntimeSender(
        shop.stage.shopping_client(),
        shop.name,
        target_variant=lambda user: rules.target_variant(user_id=str(user), headers=_country(user)),
    )
    return CohortVisitors(
        {API: through_the_api, DIRECT: straight}, users=USERS, requests_per_second=requests_per_second
    )


def country_of(user: int) -> str:
    """Return where a user lives: every second one in Germany."""
    return "FR" if user % 2 else "DE"


def _country(user: int) -> Mapping[str, str]:
    return {VIEWER_COUNTRY_HEADER: country_of(user)}
