"""Each small example is deployed to the local AWS as it is, serves, and goes away again."""

from pathlib import Path

from docs.examples_table import NOT_DEPLOYED, STACKS
from examples.many_endpoints.app import RELEASES
from tests.rollouts.conftest import SideBySide
from tests.rollouts.examples import DEPLOYED, Deploys


def test_every_example_is_deployed_serves_and_goes_away_again(side_by_side: SideBySide, tmp_path: Path) -> None:
    deploys = Deploys(side_by_side.stage, tmp_path)
    assert deploys.statuses() == dict.fromkeys(DEPLOYED, "CREATE_COMPLETE")

    endpoints = {name: deploys.endpoints(name) for name in DEPLOYED}
    numbers = {name: len(found) for name, found in endpoints.items()}
    assert numbers == dict.fromkeys(DEPLOYED, 1) | {"many_endpoints": len(RELEASES)}
    assert {status for found in endpoints.values() for status in found.values()} == {"InService"}

    assert deploys.delete() == dict.fromkeys(DEPLOYED, "DELETE_COMPLETE")
    left = side_by_side.stage.client("sagemaker").list_endpoints()["Endpoints"]
    assert {name for found in endpoints.values() for name in found} & {each["EndpointName"] for each in left} == set()


def test_what_is_not_deployed_here_says_why() -> None:
    assert set(NOT_DEPLOYED) < set(STACKS)
    assert all(reason for reason in NOT_DEPLOYED.values())
