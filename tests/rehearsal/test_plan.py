"""What `plan` says of a template, and that it says the same as the template's metadata."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template
from rollout.contract.names import PLAN_METADATA
from rollout.contract.timing import METRIC_DELAY_SECONDS

from canary_construct import CohortRule, Gate, InstanceScaling, ScalingMetric, TrafficRouting, TrafficStep
from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint
from tests.infrastructure.synthesis import declare, stack
from tests.rehearsal.conftest import STEADY, Rehearse

Plan = Callable[..., dict[str, Any]]
SCALABLE = InstanceScaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000)
UNPRICED = "ml.p4d.24xlarge"
USERS = TrafficStep.cohort(CohortRule.share_of_users(2), bake=Duration.hours(3))
CONVERSION = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.minutes(10))


def written(of: Stack, folder: Path) -> Path:
    path = folder / "Shop.template.json"
    path.write_text(json.dumps(Template.from_stack(of).to_json()))
    return path


def without_metadata(path: Path, *keys: str) -> Path:
    """Return a copy without some keys of the plan's metadata, or without any of them."""
    template = json.loads(path.read_text())
    for resource in template["Resources"].values():
        metadata = resource.get("Metadata", {})
        for key in keys or [PLAN_METADATA]:
            (metadata.get(PLAN_METADATA, {}) if keys else metadata).pop(key, None)
    copy = path.with_name("Without.template.json")
    copy.write_text(json.dumps(template))
    return copy


def written_metadata(path: Path) -> Mapping[str, Any]:
    resources = json.loads(path.read_text())["Resources"].values()
    (found,) = [
        resource["Metadata"][PLAN_METADATA] for resource in resources if PLAN_METADATA in resource.get("Metadata", {})
    ]
    metadata: Mapping[str, Any] = found
    return metadata


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Plan:
    def run(path: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
        assert main(["plan", "--template", str(path), "--json", *arguments]) == code
        summary: dict[str, Any] = json.loads(capsys.readouterr().out)
        return summary

    return run


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(path: Path, *arguments: str) -> str:
        main(["plan", "--template", str(path), *arguments])
        return capsys.readouterr().out

    return run


def test_an_endpoint_with_the_default_scaling_has_a_plan(tmp_path: Path, plan: Plan) -> None:
    shop = stack()
    declare(shop)
    summary = plan(written(shop, tmp_path))
    assert (summary["instances_before"], summary["peak_instances"], summary["refused"]) == (2, 2, None)


@pytest.mark.parametrize(
    "props",
    [
        {"scaling": SCALABLE},
        {"scaling": SCALABLE, "gates": [Gate.error_rate(), Gate.latency(), CONVERSION], "metric_period": 10},
        {
            "scaling": SCALABLE,
            "gates": [CONVERSION],
            "routing": TrafficRouting.steps([50, 100], bake=Duration.minutes(45)),
        },
        {"scaling": SCALABLE, "gates": [CONVERSION], "routing": TrafficRouting.all_at_once()},
        {"scaling": SCALABLE, "routing": TrafficRouting.steps([USERS, 50, 100], bake=Duration.hours(12))},
    ],
)
def test_the_plan_says_what_the_metadata_say(props: Mapping[str, Any], tmp_path: Path, plan: Plan) -> None:
    shop = stack()
    orders = cloudwatch.Metric(namespace="Shop", metric_name="Orders", period=Duration.minutes(5))
    alarm = cloudwatch.Alarm(shop, "A", metric=orders, threshold=5, evaluation_periods=3, alarm_description="few")
    declare(shop, alarms=[alarm], expected_rps=120, **props)
    path = written(shop, tmp_path)
    summary, metadata = plan(path), written_metadata(path)
    for of_plan, of_synth in (
        ("shortest_seconds", "ShortestSeconds"), ("longest_seconds", "LongestSeconds"),
        ("history_events", "LongestHistoryEvents"), ("history_limit", "HistoryEventsAllowed"),
        ("instances_before", "InstancesBefore"), ("peak_instances", "PeakInstances"),
    ):  # fmt: skip
        assert summary[of_plan] == metadata[of_synth]
    assert [
        (exposed["guard"], exposed["earliest_s"], exposed["requests"]) for exposed in summary["exposed_requests"]
    ] == [(guard["Name"], guard["EarliestSeconds"], guard["ExpectedRequests"]) for guard in metadata["Guards"]]
    assert "alarm few" in {exposed["guard"] for exposed in summary["exposed_requests"]}
    assert summary["assumed"]["rps"] == 120
    assert summary["shortest_seconds"] < summary["usual_seconds"] < summary["longest_seconds"]
    assert summary["cohorts"] == [cohort["Limit"] for cohort in metadata.get("Cohorts", [])]


def test_the_plan_says_what_a_cohort_cannot_judge(tmp_path: Path, lines: Callable[..., str]) -> None:
    shop = stack()
    declare(shop, routing=TrafficRouting.steps([USERS, 50, 100], bake=Duration.hours(12)))
    said = [line.strip() for line in lines(written(shop, tmp_path)).splitlines() if line.startswith("  cohort  ")]
    (line,) = said
    assert " ".join(line.split()) == (
        "cohort the users of a cohort of 2 % may explain 10 times stable's rate by themselves, so it can find what is "
        "broken and cannot judge what is better"
    )


def test_a_template_without_the_metadata_of_its_plan_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = stack()
    declare(shop)
    assert main(["plan", "--template", str(without_metadata(written(shop, tmp_path)))]) == 2
    said = capsys.readouterr().err
    assert f"has no {PLAN_METADATA} in its metadata; synthesise the template again and keep its metadata" in said


@pytest.mark.parametrize(
    "missing", ["ShortestSeconds", "LongestSeconds", "LongestHistoryEvents", "HistoryEventsAllowed", "Guards"]
)
def test_metadata_that_lack_a_part_are_refused_with_its_name(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = stack()
    declare(shop)
    assert main(["plan", "--template", str(without_metadata(written(shop, tmp_path), missing))]) == 2
    assert f"the plan in the metadata needs {missing}" in capsys.readouterr().err


def test_the_traffic_is_that_of_the_command_or_the_template_or_a_hundred(
    tmp_path: Path, lines: Callable[..., str]
) -> None:
    shop = stack()
    declare(shop, scaling=SCALABLE, expected_rps=30)
    path = written(shop, tmp_path)
    assert "30 requests a second (the expected_rps of the template)" in lines(path)
    assert "40 requests a second (as --rps says)" in lines(path, "--rps", "40")
    assumed = "100 requests a second (assumed: the template has no expected_rps, and --rps is not given)"
    silent = stack()
    declare(silent, scaling=SCALABLE)
    assert assumed in lines(written(silent, tmp_path))


def test_each_endpoint_of_a_template_is_priced_by_its_own_config(
    tmp_path: Path, plan: Plan, lines: Callable[..., str]
) -> None:
    shop = stack()
    serverless = sagemaker.CfnEndpointConfig.ServerlessConfigProperty(max_concurrency=1, memory_size_in_mb=1024)
    variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name="v", model_name="m", initial_variant_weight=1, serverless_config=serverless
    )
    sagemaker.CfnEndpointConfig(shop, "Aaa", production_variants=[variant])
    declare(shop, scaling=SCALABLE)
    declare(shop, "Other", scaling=SCALABLE, endpoint_name="other", instance_type="ml.m5.large")
    declare(shop, "Third", scaling=SCALABLE, endpoint_name="third", instance_type=UNPRICED)
    path = written(shop, tmp_path)
    costs = {name: plan(path, "--endpoint", name) for name in ("recommender", "other", "third")}
    assert costs["recommender"]["peak_usd_per_hour"] == 4 * 0.23
    assert costs["other"]["peak_usd_per_hour"] == 4 * 0.115
    assert 0 < costs["other"]["cost_usd"] < costs["recommender"]["cost_usd"]
    assert (costs["third"]["cost_usd"], costs["third"]["peak_usd_per_hour"]) == (None, None)
    text = lines(path, "--endpoint", "third")
    assert f"4 at the peak: no list price of {UNPRICED} is known here" in text
    assert f"unknown for the instances ({UNPRICED}); $0.06 a rollout for all else" in text


def test_what_scaling_follows_beside_the_invocations_may_ask_for_more(
    tmp_path: Path, plan: Plan, lines: Callable[..., str]
) -> None:
    shop = stack()
    queue = ScalingMetric(namespace="Shop", metric_name="Queue", target=12)
    declare(shop, scaling=InstanceScaling(max_instances=8, concurrency_per_instance=5, metrics=[queue]))
    path = written(shop, tmp_path)
    assert plan(path)["follows_too"] == ["ConcurrentRequestsPerModel", "Queue"]
    assert "PeakInstances" not in written_metadata(path)
    assert "2 before, 2 at the peak, and more if ConcurrentRequestsPerModel or Queue asks for it: $" in lines(path)


def test_an_instance_type_that_is_a_parameter_is_its_default(tmp_path: Path, plan: Plan) -> None:
    shop = stack()
    declare(shop, instance_type=CfnParameter(shop, "Type", default="ml.c5.large").value_as_string)
    assert plan(written(shop, tmp_path))["instance_type"] == "ml.c5.large"


def test_peak_and_rollout_have_their_costs_with_units(template: Path, lines: Callable[..., str]) -> None:
    text = lines(template, "--rps", "100")
    assert "3 before, 4 at the peak: $0.92 an hour (max_instances 8 a variant)" in text
    assert "a rollout, more than without one, at list prices of us-east-1" in text


def test_a_step_costs_its_own_time(tmp_path: Path, plan: Plan) -> None:
    """The step at 1 % needs no additional instance, however long it is."""
    costs = []
    for minutes in (30, 3000):
        shop = stack()
        first = TrafficStep(percent=1, bake=Duration.minutes(minutes), max_bake=Duration.minutes(minutes))
        declare(shop, scaling=SCALABLE, routing=TrafficRouting.steps([first, 100], bake=Duration.minutes(30)))
        summary = plan(written(shop, tmp_path))
        costs.append(summary["cost_usd"] - summary["orchestration_cost_usd"])
    assert costs[0] == pytest.approx(costs[1], abs=1e-3)


def test_a_fleet_beyond_max_instances_is_said_to_be_refused(
    template: Path, plan: Plan, lines: Callable[..., str]
) -> None:
    summary = plan(template, "--rps", "1000", code=1)
    sentence = "1000 requests a second need 20 instances, but max_instances is 8: the rollout would be refused"
    assert summary["refused"] == sentence
    assert (summary["instances_before"], summary["peak_instances"], summary["cost_usd"]) == (None, None, None)
    text = lines(template, "--rps", "1000")
    assert f"REFUSED: {sentence}" in text
    assert "requests to a bad release" not in text
    assert plan(template, "--rps", "400")["refused"] is None


def test_a_rehearsal_refuses_what_the_plan_says_is_refused(template: Path) -> None:
    scenario = parse_scenario({"traffic": {"rps": 1000}, "capacity": {"launch_s": 30}})
    result = rehearse(find_endpoint(template, None), scenario).result
    assert "at 3,000 each, but its max_instances is 8" in result["reason"]


def test_nothing_acts_before_the_earliest_time_of_its_kind(rehearsing: Rehearse, template: Path, plan: Plan) -> None:
    failing = rehearsing(canary={"error_rate": 0.05}, metrics=STEADY)
    guards = {exposed["guard"]: exposed["earliest_s"] for exposed in plan(template)["exposed_requests"]}
    assert "errors" in failing.result["reason"]
    assert guards["gate errors"] == 330
    sooner = METRIC_DELAY_SECONDS - STEADY["delay_s"]
    assert failing.result["seconds_to_detect"] >= 330 - sooner, "its metrics come that much sooner than assumed"
    (errors,) = [second for guard, second in guards.items() if guard.startswith("alarm more than")]
    assert errors == 90


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rps", "nan"], "plan: --rps must be a number, got nan"),
        (["--rps", "inf"], "plan: --rps must be a number, got inf"),
        (["--rps", "1e308"], "plan: --rps must be at least 0 and at most 1e+09, got 1e+308"),
        (["--rps", "-1"], "plan: --rps must be at least 0 and at most 1e+09, got -1"),
        (["--launch-seconds", "nan"], "plan: --launch-seconds must be a number, got nan"),
        (["--launch-seconds", "-500"], "plan: --launch-seconds must be at least 0 and at most 86400, got -500"),
    ],
)
def test_a_number_that_is_none_gets_a_sentence(
    template: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--template", str(template), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_rehearsal_on_instances_without_a_known_price_has_no_cost(template: Path) -> None:
    text = template.read_text().replace("ml.m5.xlarge", UNPRICED)
    path = template.with_name("Recommender.gpu.template.json")
    path.write_text(text)
    scenario = parse_scenario({"traffic": {"rps": 40}, "canary": {"error_rate": 0.5}, "capacity": {"launch_s": 30}})
    assert rehearse(find_endpoint(path, None), scenario).result["cost_usd"] is None


def paced_template(folder: Path, **props: Any) -> Path:
    shop = stack()
    declare(shop, scaling=SCALABLE, routing=TrafficRouting.paced(harm_budget=50), **props)
    return written(shop, folder)


def test_a_paced_plan_expects_what_the_metadata_expect(tmp_path: Path, plan: Plan) -> None:
    path = paced_template(tmp_path, expected_rps=120)
    pacing, metadata = plan(path)["pacing"], written_metadata(path)
    assert (pacing["harm_budget"], pacing["reaction_s"]) == (metadata["HarmBudget"], metadata["ReactionSeconds"])
    assert (pacing["harm_budget"], pacing["reaction_s"], pacing["is_thin"]) == (50, 210, not metadata["PacesShares"])
    assert [
        (round(course["failing_percent"]), course["end"], course["bad_requests"], len(course["shares"]))
        for course in pacing["expected_courses"]
    ] == [
        (round(course["FailingPercent"]), course["End"], course["BadRequests"], len(course["Shares"]))
        for course in metadata["ExpectedCourses"]
    ]
    assert [course["failing_percent"] for course in pacing["expected_courses"]] == pytest.approx([0, 1, 2, 5, 20])
    good = metadata["ExpectedCourses"][0]
    assert (good["End"], good["Shares"][-1]["Percent"]) == ("PROMOTE", 100)
    assert good["Minutes"] > good["Shares"][-1]["Minutes"]


def test_a_paced_plan_says_how_good_and_bad_releases_would_fare(tmp_path: Path, lines: Callable[..., str]) -> None:
    text = lines(paced_template(tmp_path), "--rps", "100")
    assert "  harm budget       50 requests may go wrong in the 210 s until a lower share is in force" in text
    assert "expected course at 100 requests a second, 0.1 % of stable's requests failing" in text
    (good,) = [line for line in text.splitlines() if line.startswith("    as good as stable")]
    assert "promoted after " in good
    assert "bad requests" not in good
    bad = [line for line in text.splitlines() if " more " in line and line.startswith("    fails ")]
    assert len(bad) == 4
    assert all("rolled back by a gate after" in line and line.endswith("bad requests") for line in bad)
    assert "0.23 % at 0 min, " in text
    assert "keep the budget at every checkpoint" not in text


def test_a_plan_with_few_requests_says_that_its_checkpoints_decide(tmp_path: Path, lines: Callable[..., str]) -> None:
    path = paced_template(tmp_path)
    assert "So few requests keep the budget at every checkpoint" in lines(path, "--rps", "0.5")
    without_traffic = lines(path, "--rps", "0")
    assert "harm budget" in without_traffic
    assert "expected course" not in without_traffic


def test_fixed_steps_have_no_pacing(template: Path, plan: Plan, lines: Callable[..., str]) -> None:
    assert plan(template)["pacing"] is None
    assert "harm budget" not in lines(template)
