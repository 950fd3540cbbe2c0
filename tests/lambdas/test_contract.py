"""What crosses between synth, state machine, ledger and handlers is read and written without a loss."""

from dataclasses import replace

from rollout.contract.cohort import Cohort
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.plan import ApiStage, Plan, Settings
from rollout.contract.states import End, Next, Prepared, StepState

from tests.lambdas.fakes.settings import FIXED, cohort_step, plan, settings, step

USERS = {"kind": "users", "header": "x-canary-bucket", "buckets": 500}
GERMANS = {"kind": "header", "header": "x-country", "values": ["DE"]}


def test_a_plan_is_written_as_it_was_read() -> None:
    rendered = plan(
        steps=(cohort_step(USERS), cohort_step(GERMANS), step(50), step(100)), api_stages=(("api", "live"),)
    )
    written = Plan.parse(rendered).to_json()
    assert Plan.parse(written) == Plan.parse(rendered)
    assert {name: value for name, value in written.items() if name != "gates"} == {
        name: value for name, value in rendered.items() if name != "gates"
    }


def test_a_fixed_fleet_and_a_plan_without_smoke_test_are_kept() -> None:
    read = Plan.parse({**plan(scaling=FIXED), "smoke_test": None})
    assert (read.settings.scaling.invocations_per_instance, read.smoke_test) == (None, ())
    assert Plan.parse(read.to_json()) == read


def test_the_guard_of_a_deploy_is_told_the_endpoint_and_its_scaling_only() -> None:
    told = Settings.parse(settings()).deploy_json()
    assert set(told) == {"schema", "endpoint", "scaling"}
    assert Settings.parse(told).scaling == Settings.parse(settings()).scaling


def test_a_lock_writes_only_what_says_something() -> None:
    lock = Lock(kind=ROLLOUT, holder="v2-1", api_stages=(ApiStage(rest_api_id="api", stage_name="live"),))
    assert set(lock.to_json()) == {"kind", "holder", "api_stages"}
    stored = {**lock.to_json(), "endpoint": "shop", "record": "lock"}
    assert Lock.parse(stored) == lock
    assert Lock.parse({**stored, "halted_at": "now"}) == replace(lock, halted_at="now")


def test_the_states_between_tasks_are_kept() -> None:
    state = StepState(index=1, judged={"last": 3}, next=Next.STAY, instances=2)
    assert StepState.parse(state.to_json()) == state
    assert StepState.parse({"index": 0}).to_json()["ready"] is False
    prepared = Prepared(ready=True, version="v2", stable="variant-a", canary="variant-b")
    assert Prepared.parse(prepared.to_json()) == prepared
    assert Prepared.parse({}) == Prepared()
    assert [End.parse(end.to_json()) for end in (End(tries=3), End(safe=True, error="E", reason="r"))] == [
        End(tries=3),
        End(safe=True, error="E", reason="r"),
    ]


def test_a_cohort_is_written_as_clients_read_it() -> None:
    published = {"variant": "variant-b", "rule": USERS, "salt": "v2-1"}
    assert Cohort.parse(published).to_json() == published
