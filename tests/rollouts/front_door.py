"""The API of a shop, and the cohort rule as it is published there and in the ledger."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from rollout.contract.stage_variables import AT_REST

from canary_tools.sandbox.apigateway.address import stage_url
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.stage import eventually

STAGE_NAME = "live"


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """A cohort as looks saw it; seconds since the epoch.

    Attributes:
        record: the rule.
        seen_from: a moment at which it was published.
        seen_until: the last such moment; the API withdraws it before the ledger does.
        gone_at: a moment at which nothing published it.
        weights: all that were seen while the ledger had it.
    """

    record: Mapping[str, Any]
    seen_from: float
    seen_until: float
    gone_at: float
    weights: tuple[Mapping[str, float], ...]


class FrontDoor:
    """The only API of a shop."""

    def __init__(self, shop: DeployedShop) -> None:
        self._shop = shop
        (self._rest_api_id,) = shop.resources("AWS::ApiGateway::RestApi")

    @property
    def url(self) -> str:
        """Return where requests are sent."""
        endpoint_url = self._shop.stage.sandbox.endpoint_url
        return f"{stage_url(endpoint_url, rest_api_id=self._rest_api_id, stage_name=STAGE_NAME)}/invocations"

    def variables(self) -> dict[str, str]:
        """Return the variables of the stage that cohorts change."""
        stage = self._shop.stage.client("apigateway").get_stage(restApiId=self._rest_api_id, stageName=STAGE_NAME)
        return {name: value for name, value in stage["variables"].items() if name.startswith("cohort")}

    def published(self) -> dict[str, Any] | None:
        """Return the rule in the ledger, which is written last and read by clients; `None` without one."""
        item = self._shop.stage.client("dynamodb").get_item(
            TableName=self._shop.ledger_table(),
            Key={"endpoint": {"S": self._shop.name}, "record": {"S": "cohort"}},
            ConsistentRead=True,
        )
        deserialize = TypeDeserializer().deserialize
        return deserialize(item["Item"]["cohort"]) if "cohort" in item.get("Item", {}) else None

    def cohort_begins(self) -> float:
        """Wait for a cohort; return when it was there for certain."""
        eventually(self.published, what="a cohort")
        return time.time()

    def cohort_ends(self, *, seen_from: float) -> Cohort:
        """Watch a cohort until it is gone."""
        record = self.published()
        assert record is not None, "the cohort ended before it was watched"
        seen_until: list[float] = [seen_from]
        weights: list[Mapping[str, float]] = []

        def look() -> float | None:
            looked_at, weights_now, in_api = time.time(), self._shop.look().weights, self.variables() != AT_REST
            if self.published() is None:
                return time.time()
            weights.append(weights_now)
            seen_until.extend([looked_at] if in_api else [])
            return None

        gone_at = eventually(look, what="the end of the cohort")
        return Cohort(
            record=record,
            seen_from=seen_from,
            seen_until=seen_until[-1],
            gone_at=gone_at,
            weights=tuple(weights),
        )
