"""A step whose requests reach the new release by a cohort's rule, through the ledger and a front door."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rollout import api_stages
from rollout.contract.cohort import CohortRule
from rollout.contract.plan import ApiStage, Step
from rollout.contract.stage_variables import AT_REST, BUCKETS, HEADER, VALUES, VARIANT

from bench.chaos.running import COHORT, synthesise
from bench.chaos.worlds import FAILING, QUIET
from canary_tools.aws_models.api.errors import ApiError
from canary_tools.rehearsal.command import main
from canary_tools.rehearsal.record.rehearsed import Rehearsed
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.report.page import write_report
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.services.front_doors import FrontDoors
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint
from canary_tools.rehearsal.traffic.cohort import Cohort, PublishedCohort

USERS = {"kind": "users", "header": "x-canary-bucket", "buckets": 500}
COUNTRIES = {"kind": "header", "header": "cloudfront-viewer-country", "values": ["DE", "AT"]}
BAKE = {"bake_seconds": 600, "max_bake_seconds": 600, "min_requests": 100}
STEPS = [
    Step.parse({"percent": 0, "expected_percent": 5, "cohort": USERS, **BAKE}),
    Step.parse({"percent": 0, "expected_percent": 12, "cohort": COUNTRIES, **BAKE}),
    Step.parse({"percent": 100, **BAKE}),
]
STAGE = ApiStage(rest_api_id="door", stage_name="live")


@pytest.fixture(scope="module")
def cohort_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise(tmp_path_factory.mktemp("cohort"), COHORT)


@pytest.fixture(scope="module")
def with_cohort(cohort_template: Path) -> DeclaredEndpoint:
    return find_endpoint(cohort_template, None)


@pytest.fixture(scope="module")
def promoted(with_cohort: DeclaredEndpoint) -> Rehearsed:
    return rehearse(with_cohort, parse_scenario(QUIET))


@pytest.fixture(scope="module")
def rolled_back(with_cohort: DeclaredEndpoint) -> Rehearsed:
    return rehearse(with_cohort, parse_scenario(FAILING))


def of_cohort(rehearsed: Rehearsed) -> list[tuple[float, str]]:
    return [(seen.at_s, seen.text) for seen in rehearsed.observation.happenings if seen.kind == "cohort"]


def test_a_cohort_reaches_the_new_release_at_weight_zero(promoted: Rehearsed) -> None:
    ((published, _), (withdrawn, _)) = of_cohort(promoted)
    whole = [
        minute
        for minute in promoted.observation.minutes
        if published < minute.start_s < minute.start_s + 60 < withdrawn
    ]
    requests = {slot: sum(minute.served[slot].requests for minute in whole) for slot in ("variant-a", "variant-b")}
    assert {minute.weights["variant-b"] for minute in whole} == {0}
    assert 0.04 < requests["variant-b"] / sum(requests.values()) < 0.06


def test_a_promotion_withdraws_the_cohort_before_the_weights_rise(promoted: Rehearsed) -> None:
    happenings = [(seen.kind, seen.text) for seen in promoted.observation.happenings]
    withdrawn = happenings.index(("cohort", "the cohort was withdrawn"))
    raised = next(index for index, (_, text) in enumerate(happenings) if "variant-b weight 100" in text)
    assert withdrawn < raised
    assert promoted.result["safe_end"], promoted.result["unsafe"]


def test_each_step_is_called_by_its_name(promoted: Rehearsed) -> None:
    steps = promoted.result["steps"]
    assert [step["title"] for step in steps] == ["a cohort of 5 %", "100 %"]
    assert [(step["percent"], step["expected_percent"]) for step in steps] == [(0, 5), (100, 100)]
    assert steps[0]["canary_requests"] > 100


def test_a_rollback_withdraws_the_cohort_and_nobody_reaches_the_release_then(rolled_back: Rehearsed) -> None:
    result = rolled_back.result
    withdrawn, text = of_cohort(rolled_back)[-1]
    assert text == "the cohort was withdrawn"
    assert result["outcome"] == "ROLLED_BACK"
    assert result["safe_end"], result["unsafe"]
    assert result["final"]["cohort"] is None
    assert result["seconds_to_weight_zero"] < 30
    later = [minute for minute in rolled_back.observation.minutes if minute.start_s > withdrawn]
    assert later
    assert not any(minute.served["variant-b"].requests for minute in later)


def test_harm_done_to_a_cohort_is_counted(rolled_back: Rehearsed) -> None:
    result = rolled_back.result
    assert 0 < result["bad_requests_caused"] < result["canary_requests"] < 2000
    assert result["seconds_to_detect"] > 0


def test_a_front_door_that_keeps_the_cohort_is_no_safe_end(
    with_cohort: DeclaredEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = {"door/live": {VARIANT: "variant-b", HEADER: "x-canary-bucket", VALUES: "none", BUCKETS: "0500"}}
    monkeypatch.setattr(FrontDoors, "letting_through", lambda _self: published)
    rehearsed = rehearse(with_cohort, parse_scenario(FAILING))
    assert [text for text in rehearsed.result["unsafe"] if "still has a cohort" in text]
    assert rehearsed.observation.minutes[-1].served["variant-b"].requests > 0


@pytest.mark.parametrize("rule", [USERS, COUNTRIES], ids=["users", "header"])
def test_front_doors_take_what_the_handlers_send(rule: dict[str, Any]) -> None:
    doors = FrontDoors([STAGE])
    cohort = PublishedCohort(STEPS, doors)
    set_variables(doors, api_stages.variables_of("variant-b", CohortRule.parse(rule)))
    assert cohort.now() == Cohort("variant-b", 5 if rule is USERS else 12)
    set_variables(doors, AT_REST)
    assert cohort.now() is None
    assert doors.letting_through() == {}


def set_variables(doors: FrontDoors, variables: Mapping[str, str]) -> None:
    changes = [{"op": "replace", "path": f"/variables/{name}", "value": value} for name, value in variables.items()]
    doors.operations()["UpdateStage"]({"restApiId": "door", "stageName": "live", "patchOperations": changes})


def test_a_rule_that_only_the_ledger_holds_counts() -> None:
    cohort = PublishedCohort(STEPS, FrontDoors([]))
    cohort.in_ledger = {"variant": "variant-a", "rule": USERS, "salt": "v2-1"}
    assert cohort.now() == Cohort("variant-a", 5)


def test_the_plan_counts_a_cohort_by_its_expected_share(
    cohort_template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--template", str(cohort_template), "--rps", "100"]) == 0
    text = capsys.readouterr().out
    assert "a cohort of 5 % → 100 % of the requests" in text
    assert " at a cohort of 5 %, " in text


def test_the_report_names_the_cohort(rolled_back: Rehearsed, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(rolled_back, page)
    assert "<td>a cohort of 5 %</td>" in page.read_text()
    assert "a cohort of 5 % was published for variant-b" in page.read_text()


def test_a_stage_that_is_not_there_is_refused() -> None:
    with pytest.raises(ApiError, match="stage"):
        set_variables(FrontDoors([]), AT_REST)
