"""The client's wheel, in an application that has boto3 and nothing else."""

from importlib import metadata
from pathlib import Path

import pytest

from tests.packaging import wheels
from tests.packaging.wheels import CLIENT, Environment

pytestmark = pytest.mark.xdist_group("packaging")

PACKAGE = "canary_construct_client"
BOTO3 = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""boto3 and all that it needs."""
APPLICATION = """
from canary_construct_client import CohortRules, Conversions, bucket_of

COHORT = {
    "variant": {"S": "variant-b"},
    "rule": {"M": {"kind": {"S": "users"}, "header": {"S": "x-canary-bucket"}, "buckets": {"N": "5000"}}},
    "salt": {"S": "rollout-1"},
}

class Table:
    def get_item(self, **request):
        return {"Item": {"cohort": {"M": COHORT}}}

rules = CohortRules("Ledger", "recommender", client=Table())
print(bucket_of("user-17", "rollout-1"), rules.target_variant(user_id="user-17"), rules.headers("user-17"))
with Conversions(endpoint_name="recommender", namespace="Shop", now=lambda: 1800000000.0) as conversions:
    conversions.record_shown("variant-b")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(CLIENT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def application(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with boto3, into which pip installs the wheel and finds everything that it needs."""
    environment = Environment(tmp_path_factory.mktemp("environment"))
    for name in BOTO3:
        link(metadata.distribution(name), environment.site_packages)
    environment.install(str(wheel))
    return environment


def link(distribution: metadata.Distribution, site_packages: Path) -> None:
    files = distribution.files
    assert files
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        (site_packages / top).symlink_to(Path(str(distribution.locate_file(top))))


def test_the_client_s_wheel_holds_the_client_with_its_types_and_nothing_else(wheel: Path) -> None:
    assert wheels.packages(wheel) == {PACKAGE}
    checkout = {str(file.relative_to(CLIENT)) for file in (CLIENT / PACKAGE).rglob("*.py")}
    assert {name for name in wheels.contents(wheel) if name.startswith(f"{PACKAGE}/")} == {
        *checkout,
        f"{PACKAGE}/py.typed",
    }


def test_the_client_asks_for_boto3_alone(wheel: Path) -> None:
    assert wheels.needs(wheel) == {"boto3"}


def test_an_application_with_boto3_alone_can_use_the_client(application: Environment, tmp_path: Path) -> None:
    answer, document = application.run("-c", APPLICATION, folder=tmp_path).splitlines()
    assert answer == "1250 variant-b {'x-canary-bucket': '1250'}"
    assert '"VariantName":"variant-b","Shown":1' in document


@pytest.mark.parametrize("other", ["aws_cdk", "canary_construct", "canary_tools", "rollout"])
def test_nothing_of_the_library_comes_with_the_client(application: Environment, tmp_path: Path, other: str) -> None:
    found = f"import importlib.util; print(importlib.util.find_spec({other!r}))"
    assert application.run("-c", found, folder=tmp_path) == "None\n"
