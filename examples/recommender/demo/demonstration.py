"""The demonstration: three releases reach a live endpoint, one is promoted and two are rolled back.

``python -m examples.recommender.demo`` starts a local AWS, deploys the app in ``app.py`` beside it four times with
``cdk deploy``, sends recommendation requests through its API meanwhile, and ends with ``demo-report.json``,
``demo-report.png``, ``demo-report.html`` and exit status 0 if every check holds. Commands and logs are under
``build/``.
"""

import argparse
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
from canary_construct_client import Conversions, MetricDataPublisher
from canary_construct_client.conversions import SECOND
from rich.console import Console
from rollout.contract.names import PROMOTED, ROLLED_BACK

from canary_tools.sandbox.apigateway.address import stage_url
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION
from canary_tools.sandbox.server import Sandbox
from examples.recommender.demo.cdk_app import CdkApp, CdkFailed
from examples.recommender.demo.checks import Check, Ending, at_rest, check, check_rest
from examples.recommender.demo.live_view import LiveView
from examples.recommender.demo.observe import EndpointReader, Observation, Observer
from examples.recommender.demo.page import write_page
from examples.recommender.demo.picture import draw
from examples.recommender.demo.recording import Deploy, Recording
from examples.recommender.demo.report import write_report
from examples.recommender.demo.rollouts import Ledger, latest_of
from examples.recommender.demo.summary import print_summary
from examples.recommender.demo.view import View
from examples.recommender.model import train
from examples.recommender.model.data import USERS, make_appeal
from examples.recommender.shop.clicks import Browsing
from examples.recommender.shop.senders import ApiSender, RuntimeSender, Sender, runtime_client
from examples.recommender.shop.shoppers import Shoppers
from examples.recommender.shop.traffic import TrafficLog

FIRST = "v1"
ENDINGS = {
    "v2": Ending(PROMOTED, converts_better=True),
    "v3": Ending(ROLLED_BACK, "errors: canary .* evidence"),
    "v4": Ending(ROLLED_BACK, "latency: canary .* evidence"),
    "v5": Ending(ROLLED_BACK, "conversion: canary .* evidence", answers_well=True),
}
SHOWN = ("v2", "v3", "v5")
STABLE_FLOOR, IDLE_FLOOR = 2, 1
"""Instances that the app declares for the slot that serves and for the other."""
METRIC_PERIOD_SECONDS = 10
NAMESPACE = "Shop"
"""Namespace of the metrics in which the shop counts what was shown and what was clicked."""
CONVERSION_DELAY_SECONDS = 0
"""Metrics are read 20 s after their period. By then everybody who clicks has clicked."""
ROLLOUT_TIMEOUT_SECONDS = 900.0
REST_TIMEOUT_SECONDS = 60.0
USUAL_SECONDS = {"training": 6, "local AWS": 1, "cdk bootstrap": 4, "first deploy": 30}
"""How long each part of the beginning takes on two processors; the reader sees it before the part begins."""
QUIET_SECONDS = 5.0
"""How long requests go on before the first deploy and after each rollout, so that the picture separates them."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of the command line."""

    releases: list[str]
    requests_per_second: float
    bake_seconds: int
    direct: bool
    build: Path
    out: Path
    steps: str = ""

    def ending(self, version: str) -> Ending:
        """Return how a release must end. Fixed steps are over before clicks can tell a better release from chance."""
        return replace(ENDINGS[version], converts_better=False) if self.steps else ENDINGS[version]


class Demonstration:
    """One endpoint under a stream of requests, and everything recorded about it."""

    def __init__(self, app: CdkApp, observer: Observer, traffic: TrafficLog) -> None:
        self._app = app
        self._observer = observer
        self._traffic = traffic
        self._deploys: list[Deploy] = []
        self.started_at = time.time()
        self.phase = "requests begin"

    @property
    def recording(self) -> Recording:
        """Everything recorded so far."""
        latest = self._observer.latest
        return Recording(
            requests=self._traffic.all(),
            observations=self._observer.observations,
            deploys=tuple(self._deploys),
            rollouts=() if latest is None else latest.rollouts,
        )

    def view(self) -> View:
        """Look at everything as it is now."""
        return View.of(self.recording, phase=self.phase, started_at=self.started_at)

    def release(self, version: str) -> None:
        """Deploy a release and wait until its rollout has ended and the endpoint is at rest.

        Raises:
            CdkFailed: the deploy failed.
            TimeoutError: the rollout did not end, or the endpoint did not come to rest.

        """
        self.phase = f"cdk deploy {version}"
        started_at = time.time()
        self._app.deploy(version)
        self._deploys.append(Deploy(version=version, started_at=started_at, ended_at=time.time()))
        self.phase = f"waiting for the rollout of {version}"
        self._wait(_ended(version), ROLLOUT_TIMEOUT_SECONDS, f"the end of the rollout of {version}")
        self.phase = f"the rollout of {version} has ended; waiting until one release has all the traffic"
        self._wait(_rests, REST_TIMEOUT_SECONDS, f"rest after {version}")

    def stay_quiet(self) -> None:
        """Let requests go on for a while without a deploy or a rollout."""
        until = time.time() + QUIET_SECONDS
        self._wait(lambda seen: seen.asked_at >= until, REST_TIMEOUT_SECONDS, "an observation of the endpoint")

    def _wait(self, condition: Callable[[Observation], bool], seconds: float, what: str) -> None:
        self._observer.wait_for(condition, seconds=seconds, what=what)


def main() -> int:
    """Run the demonstration and return the exit status."""
    settings, console = _parse_arguments(), Console()
    try:
        return _demonstrate(settings, console)
    except CdkFailed as error:
        console.print(f"the endpoint could not be deployed: {error}", markup=False, soft_wrap=True)
        return 1


def _demonstrate(settings: Settings, console: Console) -> int:
    with _announced(console, "training", "five small models are trained"):
        rates = train.build(settings.build / "models")
    for name, rate in rates.items():
        console.print(f"{name}: hit rate@10 on held-out purchases {rate:.1%}", highlight=False)
    failure = ""
    with _running_endpoint(settings, console) as demonstration:
        try:
            with LiveView(demonstration.view, console):
                demonstration.stay_quiet()
                for version in settings.releases:
                    demonstration.release(version)
                    demonstration.stay_quiet()
        except (CdkFailed, TimeoutError) as error:
            failure = str(error)
            console.print(failure, markup=False, soft_wrap=True)
    return _conclude(demonstration.recording, failure, settings, console)


@contextmanager
def _running_endpoint(settings: Settings, console: Console) -> Generator[Demonstration]:
    """Start a local AWS with the first release and shoppers that use it; stop everything at the end."""
    with ExitStack() as running:
        with _announced(console, "local AWS", "the local AWS starts"):
            sandbox = running.enter_context(Sandbox())
        app = CdkApp(environment=sandbox.environment(), folder=settings.build, context=_context(settings))
        with _announced(console, "cdk bootstrap", "cdk bootstrap"):
            app.bootstrap(ACCOUNT_ID, REGION)
        with _announced(console, "first deploy", f"cdk deploy of {FIRST}"):
            outputs = app.deploy(FIRST)
        endpoint_name, traffic = outputs["EndpointName"], TrafficLog()
        ledger = Ledger(sandbox.client("dynamodb"), table_name=outputs["LedgerName"], endpoint_name=endpoint_name)
        reader = EndpointReader(sandbox.client, endpoint_name=endpoint_name, ledger=ledger)
        observer = running.enter_context(Observer(reader.read))
        browsing = running.enter_context(Browsing(make_appeal(), _conversions(sandbox, endpoint_name)))
        running.enter_context(
            Shoppers(
                _sender(sandbox, outputs, direct=settings.direct),
                users=USERS,
                log=traffic,
                look=browsing.look,
                requests_per_second=settings.requests_per_second,
            )
        )
        yield Demonstration(app, observer, traffic)


@contextmanager
def _announced(console: Console, part: str, what: str) -> Generator[None]:
    """Say what begins and how long it takes as a rule, and then how long it took."""
    console.print(f"{what}: {USUAL_SECONDS[part]} s as a rule …", highlight=False)
    began = time.monotonic()
    yield
    console.print(f"{what}: took {time.monotonic() - began:.0f} s", highlight=False)


def _sender(sandbox: Sandbox, outputs: Mapping[str, str], *, direct: bool) -> Sender:
    """Send requests through the front door, as any HTTP client with AWS credentials can, or directly to SageMaker."""
    environment = sandbox.environment()
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    if direct:
        return RuntimeSender(runtime_client(session, sandbox.endpoint_url), outputs["EndpointName"])
    stage = stage_url(sandbox.endpoint_url, rest_api_id=outputs["ApiId"], stage_name=outputs["ApiStage"])
    return ApiSender(session, f"{stage}/invocations", region=REGION)


def _conversions(sandbox: Sandbox, endpoint_name: str) -> Conversions:
    """Count for the gate; the local AWS extracts no metrics from logs, so the counts go to CloudWatch directly."""
    return Conversions(
        endpoint_name=endpoint_name,
        namespace=NAMESPACE,
        storage_resolution=SECOND,
        publish=MetricDataPublisher(sandbox.client("cloudwatch")),
    )


def _context(settings: Settings) -> dict[str, object]:
    return {
        "metric_period": METRIC_PERIOD_SECONDS,
        "bake_seconds": settings.bake_seconds,
        "warm_up_seconds": 0,
        "front_door": "yes",
        "conversion_namespace": NAMESPACE,
        "conversion_delay_seconds": CONVERSION_DELAY_SECONDS,
        "models": (settings.build / "models").resolve(),
        **({"steps": settings.steps} if settings.steps else {}),
    }


def _ended(version: str) -> Callable[[Observation], bool]:
    def ended(observation: Observation) -> bool:
        rollout = latest_of(observation.rollouts, version)
        return rollout is not None and not rollout.running

    return ended


def _rests(observation: Observation) -> bool:
    return at_rest(observation, stable_floor=STABLE_FLOOR, idle_floor=IDLE_FLOOR)


def _conclude(recording: Recording, failure: str, settings: Settings, console: Console) -> int:
    """Write the report and its picture, print the summary, and judge."""
    last = recording.observations[-1] if recording.observations else None
    settings.out.mkdir(parents=True, exist_ok=True)
    report = write_report(recording, settings.out / "demo-report.json")
    picture, page = settings.out / "demo-report.png", settings.out / "demo-report.html"
    draw(recording, picture)
    checks = [
        *check(recording, {version: settings.ending(version) for version in settings.releases}),
        check_rest(last, stable_floor=STABLE_FLOOR, idle_floor=IDLE_FLOOR),
        Check(
            claim="the demonstration runs to the end",
            holds=not failure,
            evidence=failure.partition("\n")[0] or "it did",
        ),
    ]
    write_page(report, checks, picture=picture, path=page)
    print_summary(report, checks, console)
    console.print(f"written: {settings.out / 'demo-report.json'}, {picture}, {page}")
    for hint in _next(page, settings):
        console.print(hint, highlight=False, soft_wrap=True)
    return 0 if all(result.holds for result in checks) else 1


def _next(page: Path, settings: Settings) -> Iterator[str]:
    """Say what to look at next."""
    deployed = settings.build / f"cdk.out-{settings.releases[-1]}"
    yield f"Look at {page} in a browser, and at {deployed} for what was deployed last."
    yield "docs/first-release.md takes you to an endpoint of your own; docs/choose-a-plan.md helps with the steps."


def _parse_arguments() -> Settings:
    parser = argparse.ArgumentParser(prog="python -m examples.recommender.demo", description=__doc__)
    parser.add_argument(
        "--releases", nargs="+", choices=ENDINGS, default=SHOWN, help="to deploy after v1, in this order"
    )
    parser.add_argument("--rate", type=float, default=30.0, help="requests per second")
    parser.add_argument("--bake", type=int, default=60, help="seconds that each step bakes")
    parser.add_argument("--steps", default="", help="fixed shares instead of paced ones, such as 50,100")
    parser.add_argument("--direct", action="store_true", help="send requests to SageMaker, not through the API")
    parser.add_argument("--build", type=Path, default=Path("build"), help="folder for models, templates, logs")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the report and its picture")
    arguments = parser.parse_args()
    return Settings(
        releases=list(arguments.releases),
        requests_per_second=arguments.rate,
        bake_seconds=arguments.bake,
        direct=arguments.direct,
        build=arguments.build,
        out=arguments.out,
        steps=arguments.steps,
    )
