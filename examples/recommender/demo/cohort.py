"""The demonstration of cohorts: a share of the users gets a release first; after a rollback nobody gets it.

``python -m examples.recommender.demo.cohort`` starts a local AWS and deploys the app in ``app.py`` beside it with a
cohort step in front of the weighted ones. Requests go through the API and directly to SageMaker;
``canary_construct_client`` routes them. It prints who answered whom, and ends with exit status 0 if every check holds.
"""

import argparse
import re
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import boto3
from canary_construct_client import CANARY, CohortRules, choose_variant
from rollout.contract.names import ROLLED_BACK

from canary_tools.sandbox.apigateway.address import stage_url
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION
from canary_tools.sandbox.server import Sandbox
from examples.recommender.demo.cdk_app import CdkApp, CdkFailed
from examples.recommender.demo.checks import Check
from examples.recommender.demo.demonstration import ENDINGS, FIRST, METRIC_PERIOD_SECONDS
from examples.recommender.demo.rollouts import Ledger, Rollout, latest_of
from examples.recommender.model import train
from examples.recommender.model.data import USERS
from examples.recommender.shop.cohort_visits import (
    API,
    DIRECT,
    KNOWN_AFTER_SECONDS,
    ROUTES,
    CohortVisitors,
    Tally,
    Visit,
)
from examples.recommender.shop.senders import ApiSender, RuntimeSender, Sender, runtime_client

LOOK_AGAIN_SECONDS = 0.2
ROLLOUT_TIMEOUT_SECONDS = 600.0
WATCHED_SECONDS = 10.0
"""Seconds after a rollback until every client knows that the cohort has ended."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of the command line."""

    releases: list[str]
    share: float
    requests_per_second: float
    bake_seconds: int
    build: Path


@dataclass(frozen=True, kw_only=True)
class Look:
    """Whether a cohort was published at some moment between two times, in seconds since the epoch."""

    began_at: float
    ended_at: float
    published: bool


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The rollout of a release, and the times between which its cohort was certainly published and certainly gone."""

    rollout: Rollout
    cohort_from: float
    cohort_until: float
    """The cohort was published at least until this time."""
    gone_at: float

    @classmethod
    def of(cls, rollout: Rollout, looks: list[Look]) -> Self:
        """Combine the looks; the last of them saw no cohort.

        Raises:
            LookupError: the rollout ended before a cohort was published.
        """
        seen = [number for number, look in enumerate(looks) if look.published]
        if not seen:
            raise LookupError(f"{rollout.version} ended {rollout.outcome} without a cohort: {rollout.reason}")
        return cls(
            rollout=rollout,
            cohort_from=looks[seen[0]].ended_at,
            cohort_until=looks[seen[-1]].began_at,
            gone_at=looks[seen[-1] + 1].ended_at,
        )


class Endpoint:
    """The deployed stack, which receives requests."""

    def __init__(self, sandbox: Sandbox, app: CdkApp, outputs: Mapping[str, str]) -> None:
        self._app = app
        self._dynamodb = sandbox.client("dynamodb")
        self._table, self._name = outputs["LedgerName"], outputs["EndpointName"]
        self._ledger = Ledger(self._dynamodb, table_name=self._table, endpoint_name=self._name)

    def release(self, version: str) -> Trial:
        """Deploy a release and follow its rollout to the end.

        Raises:
            CdkFailed: the deploy failed.
            TimeoutError: the rollout did not end.
            LookupError: the rollout ended before a cohort was published.
        """
        self._app.deploy(version)
        looks: list[Look] = []
        deadline, pause = time.monotonic() + ROLLOUT_TIMEOUT_SECONDS, threading.Event()
        while (rollout := latest_of(self._ledger.rollouts(), version)) is None or rollout.running:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the rollout of {version} did not end within {ROLLOUT_TIMEOUT_SECONDS:.0f} s")
            looks.append(self._look())
            pause.wait(LOOK_AGAIN_SECONDS)
        return Trial.of(rollout, [*looks, self._look()])

    def _look(self) -> Look:
        began_at = time.time()
        key = {"endpoint": {"S": self._name}, "record": {"S": "cohort"}}
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return Look(began_at=began_at, ended_at=time.time(), published="cohort" in found.get("Item", {}))


def main() -> int:
    """Run the demonstration and return the exit status."""
    settings = _parse_arguments()
    train.build(settings.build / "models")
    try:
        checks = _demonstrate(settings)
    except (CdkFailed, TimeoutError, LookupError) as error:
        print(error)
        return 1
    return 0 if all(check.holds for check in checks) else 1


def _demonstrate(settings: Settings) -> list[Check]:
    checks: list[Check] = []
    with _running_endpoint(settings) as (endpoint, visitors):
        for version in settings.releases:
            print(f"cdk deploy {version}, then its rollout", flush=True)
            trial = endpoint.release(version)
            if trial.rollout.outcome == ROLLED_BACK:
                _let_everybody_know(trial)
            judged = judge(trial, visitors, share=settings.share)
            print(*judged, sep="\n", flush=True)
            checks += judged
    return checks


def judge(trial: Trial, visitors: CohortVisitors, *, share: float) -> list[Check]:
    """Check the rollout's end and, for each route, which release answered which users during and after the cohort."""
    rollout = trial.rollout
    ending = ENDINGS[rollout.version]
    checks = [
        Check(
            claim=f"{rollout.version} ends {ending.outcome}",
            holds=rollout.outcome == ending.outcome and re.search(ending.reason, rollout.reason) is not None,
            evidence=rollout.reason,
        )
    ]
    for route in ROUTES:
        checks.append(_met_by_the_cohort_alone(trial, visitors, route, share))
        if rollout.outcome == ROLLED_BACK:
            checks.append(_met_by_nobody(trial, visitors, route, share))
    return checks


def _met_by_the_cohort_alone(trial: Trial, visitors: CohortVisitors, route: str, share: float) -> Check:
    known_from = trial.cohort_from + KNOWN_AFTER_SECONDS
    tally = _tally(trial, visitors.visits(route, began_from=known_from, ended_by=trial.cohort_until), share)
    return Check(
        claim=f"{trial.rollout.version} {route}: the canary answers all of the cohort and nobody else",
        holds=tally.cohort_by_canary > 0 and (tally.cohort_by_stable, tally.others_by_canary) == (0, 0),
        evidence=f"{trial.cohort_until - known_from:.0f} s: {tally}",
    )


def _met_by_nobody(trial: Trial, visitors: CohortVisitors, route: str, share: float) -> Check:
    """When the cohort has ended: through the API at once; directly when every client has read the rule again."""
    known_from = trial.gone_at + (KNOWN_AFTER_SECONDS if route == DIRECT else 0.0)
    tally = _tally(trial, visitors.visits(route, began_from=known_from), share)
    return Check(
        claim=f"{trial.rollout.version} {route}: after the rollback the canary answers nobody",
        holds=tally.cohort_by_stable > 0 and (tally.cohort_by_canary, tally.others_by_canary) == (0, 0),
        evidence=str(tally),
    )


def _tally(trial: Trial, visits: list[Visit], share: float) -> Tally:
    salt = trial.rollout.name
    return Tally.of(
        visits,
        belongs=lambda user: choose_variant(str(user), share, salt) == CANARY,
        canary=trial.rollout.version,
    )


def _let_everybody_know(trial: Trial) -> None:
    threading.Event().wait(max(0.0, trial.gone_at + KNOWN_AFTER_SECONDS + WATCHED_SECONDS - time.time()))


@contextmanager
def _running_endpoint(settings: Settings) -> Generator[tuple[Endpoint, CohortVisitors]]:
    """Start a local AWS with the first release and visitors that use it; stop everything at the end."""
    with ExitStack() as running:
        sandbox = running.enter_context(Sandbox())
        app = CdkApp(environment=sandbox.environment(), folder=settings.build, context=_context(settings))
        print(f"cdk bootstrap, cdk deploy {FIRST}", flush=True)
        app.bootstrap(ACCOUNT_ID, REGION)
        outputs = app.deploy(FIRST)
        visitors = CohortVisitors(
            _senders(sandbox, outputs), users=USERS, requests_per_second=settings.requests_per_second
        )
        yield Endpoint(sandbox, app, outputs), running.enter_context(visitors)


def _senders(sandbox: Sandbox, outputs: Mapping[str, str]) -> dict[str, Sender]:
    """Apply the published rule: with a header through the API, with a target variant directly to SageMaker."""
    rules = CohortRules(outputs["LedgerName"], outputs["EndpointName"], client=sandbox.client("dynamodb"))
    environment = sandbox.environment()
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    stage = stage_url(sandbox.endpoint_url, rest_api_id=outputs["ApiId"], stage_name=outputs["ApiStage"])
    return {
        API: ApiSender(session, f"{stage}/invocations", region=REGION, headers=lambda user: rules.headers(str(user))),
        DIRECT: RuntimeSender(
            runtime_client(session, sandbox.endpoint_url),
            outputs["EndpointName"],
            target_variant=lambda user: rules.target_variant(user_id=str(user)),
        ),
    }


def _context(settings: Settings) -> dict[str, object]:
    return {
        "metric_period": METRIC_PERIOD_SECONDS,
        "bake_seconds": settings.bake_seconds,
        "warm_up_seconds": 0,
        "front_door": "yes",
        "cohort_percent": settings.share,
        "steps": "50,100",
        "models": (settings.build / "models").resolve(),
    }


def _parse_arguments() -> Settings:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--releases",
        nargs="+",
        choices=("v2", "v3"),
        default=["v2", "v3"],
        help="releases to deploy after v1, in this order",
    )
    parser.add_argument("--share", type=float, default=20.0, help="percent of the users who get a release first")
    parser.add_argument("--rate", type=float, default=10.0, help="requests per second on each of the two routes")
    parser.add_argument("--bake", type=int, default=50, help="seconds that each step bakes")
    parser.add_argument("--build", type=Path, default=Path("build/cohort"), help="folder for models, templates, logs")
    arguments = parser.parse_args()
    return Settings(
        releases=list(arguments.releases),
        share=arguments.share,
        requests_per_second=arguments.rate,
        bake_seconds=arguments.bake,
        build=arguments.build,
    )


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None
