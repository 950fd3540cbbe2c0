"""The recommender's app with what the demonstration, the benches and the tests vary.

`cdk synth --app "python -m examples.recommender.demo.app" -c steps=10,50,100`, from the root of the repository; the
fields of `Switches` are all that can be given with `-c`. Without any of them this is the app of the root.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from aws_cdk import App, CfnOutput, Duration

from app import MODELS, RecommenderStack
from canary_construct import CohortRule, EndpointApi, Gate, TrafficRouting, TrafficStep

CHECKPOINTS = (10, 50, 95, 100)
"""Percentages at which the app of the root looks longer."""
Shares = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Switches:
    """What can be varied. Each is given with `-c name=value`; without a value it is left out."""

    version: str = "v1"
    """The release to deploy."""
    models: Path = MODELS
    """The folder with the archives, `<version>/model.tar.gz`."""
    steps: Shares = ()
    """Fixed shares in percent, such as `10,50,100`. Left out, `harm_budget` decides how fast the share rises."""
    harm_budget: float = 100
    """How many requests a release may break."""
    bake_seconds: int | None = None
    """How long each step is watched at least. Without fixed `steps`, each takes ten times as long at most."""
    cohort_percent: float | None = None
    """How many of the users meet a release before the first share; left out, there is no such step."""
    users: int | None = None
    """How many users there are, so that the cohort can judge, and not only find what is broken."""
    slow_ms: float = 250
    """A request that takes longer is slow."""
    warm_up_seconds: int = 300
    """How much of the beginning of each step is left out when slow requests are compared."""
    conversion_namespace: str = ""
    """Where the shop publishes `Shown` and `Converted`, such as `Shop`. Left out, clicks are not compared."""
    conversion_delay_seconds: int = 600
    """How old a metric period is when its clicks are compared."""
    max_instances: int = 8
    """Of each slot."""
    metric_period: int = 60
    """Seconds: 10, 30 or 60."""
    front_door: bool = False
    """`yes` puts an API in front of the endpoint; left out, or with `no`, there is none."""

    @classmethod
    def parse(cls, context: Mapping[str, Any]) -> Self:
        """Read the context of an app. What the CDK itself puts there has names with hyphens, colons or slashes.

        Raises:
            ValueError: a name is no switch, or a value cannot be read.
        """
        kinds = {field.name: field.type for field in fields(cls)}
        unknown = sorted(name for name in context if name.isidentifier() and name not in kinds)
        if unknown:
            raise ValueError(f"no switch is called {', '.join(unknown)}; there are {', '.join(kinds)}")
        given = {name: str(context[name]) for name in kinds if context.get(name) not in (None, "")}
        return cls(**{name: _value(name, kinds[name], text) for name, text in given.items()})


def declare(app: App) -> RecommenderStack:
    """Declare what the context of the app asks for.

    Raises:
        ValueError: a switch is unknown, its value cannot be read, or the endpoint cannot be declared with it.
    """
    switches = Switches.parse(app.node.get_all_context())
    stack = RecommenderStack(
        app,
        "Recommender",
        version=switches.version,
        models=switches.models,
        routing=_routing(switches),
        gates=_gates(switches),
        max_instances=switches.max_instances,
        metric_period=switches.metric_period,
    )
    if switches.front_door:
        _open_front_door(stack)
    return stack


def _routing(switches: Switches) -> TrafficRouting:
    bake = longest = None
    if switches.bake_seconds is not None:
        bake, longest = Duration.seconds(switches.bake_seconds), Duration.seconds(10 * switches.bake_seconds)
    cohorts = [TrafficStep.cohort(rule, bake=bake) for rule in _cohort_rules(switches)]
    if switches.steps:
        return TrafficRouting.steps([*cohorts, *switches.steps], bake=bake)
    shares = [TrafficStep(percent=share, bake=bake, max_bake=longest) for share in CHECKPOINTS]
    return TrafficRouting.paced(harm_budget=switches.harm_budget, checkpoints=[*cohorts, *shares])


def _cohort_rules(switches: Switches) -> list[CohortRule]:
    if switches.cohort_percent is None:
        return []
    return [CohortRule.share_of_users(switches.cohort_percent, users=switches.users)]


def _gates(switches: Switches) -> list[Gate]:
    warm_up = Duration.seconds(switches.warm_up_seconds)
    gates = [Gate.error_rate(), Gate.latency(slow_ms=switches.slow_ms, warm_up=warm_up)]
    if switches.conversion_namespace:
        delay = Duration.seconds(switches.conversion_delay_seconds)
        namespace = switches.conversion_namespace
        gates.append(Gate.conversion(namespace=namespace, shown="Shown", converted="Converted", delay=delay))
    return gates


def _open_front_door(stack: RecommenderStack) -> None:
    api = EndpointApi(stack, "Api", endpoint=stack.endpoint)
    CfnOutput(stack, "ApiUrl", value=api.url)
    CfnOutput(stack, "ApiId", value=api.rest_api.rest_api_id)
    CfnOutput(stack, "ApiStage", value=api.stage.stage_name)


def _shares(text: str) -> Shares:
    return tuple(int(share) for share in text.split(","))


READERS: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "a text"),
    Path: (Path, "a path"),
    int: (int, "a whole number"),
    int | None: (int, "a whole number"),
    float: (float, "a number"),
    float | None: (float, "a number"),
    bool: ({"yes": True, "no": False}.__getitem__, "yes or no"),
    Shares: (_shares, "whole numbers with commas between them"),
}
"""How a switch of each type is read, and how its values are called."""


def _value(name: str, kind: Any, text: str) -> Any:
    read, allowed = READERS[kind]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ValueError(f"{name} must be {allowed}, got {text}") from None


if __name__ == "__main__":
    app = App()
    declare(app)
    app.synth()
