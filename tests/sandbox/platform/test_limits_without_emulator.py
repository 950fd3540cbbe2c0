"""Refusals of the local AWS that need no emulator: lost events, limited changes of stages."""

import json
from collections.abc import Mapping
from typing import Any

from canary_tools.sandbox.apigateway.stage_limits import limited
from canary_tools.sandbox.emulator.settings import SandboxSettings
from canary_tools.sandbox.events.lost_entries import with_lost_entries

ENTRIES = [{"Source": f"s{number}"} for number in range(3)]


class Events:
    """Puts every entry that is valid."""

    def __init__(self) -> None:
        self.put: list[str] = []

    def __call__(self, request: Mapping[str, Any], *, allow_aws_source: bool) -> tuple[int, dict[str, str], bytes]:
        assert allow_aws_source in {True, False}
        if len(request["Entries"]) > 10:
            return 400, {}, b"too many"
        self.put += [entry["Source"] for entry in request["Entries"]]
        results = [{"EventId": entry["Source"]} for entry in request["Entries"]]
        return 200, {}, json.dumps({"FailedEntryCount": 0, "Entries": results}).encode()


def test_a_lost_entry_is_named_in_its_place_and_the_others_are_put() -> None:
    events, fates = Events(), iter([False, True, False])
    status, _, body = with_lost_entries(events, lambda: next(fates))({"Entries": ENTRIES})
    answer = json.loads(body)
    assert (status, answer["FailedEntryCount"], events.put) == (200, 1, ["s0", "s2"])
    assert [entry.get("EventId") for entry in answer["Entries"]] == ["s0", None, "s2"]
    assert answer["Entries"][1]["ErrorCode"] == "InternalFailure"


def test_events_of_aws_are_never_lost() -> None:
    events = Events()
    with_lost_entries(events, lambda: True)({"Entries": ENTRIES}, allow_aws_source=True)
    assert events.put == ["s0", "s1", "s2"]


def test_a_request_that_is_refused_stays_refused() -> None:
    fates = iter([True, *[False] * 11])
    answer = with_lost_entries(Events(), lambda: next(fates))({"Entries": [{"Source": "s"}] * 12})
    assert answer == (400, {}, b"too many")


class Gateway:
    @staticmethod
    def _v1_error(code: str, message: str, status: int) -> tuple[int, str, str]:
        return status, code, message


def test_a_limited_change_of_a_stage_is_refused_with_each_of_the_two_errors() -> None:
    change = limited(lambda *_: "changed", Gateway(), SandboxSettings(limited_stage_update_probability=1.0))
    answers = {change("api", "live", {}) for _ in range(4)}
    assert answers == {
        (429, code, "Too Many Requests") for code in ("TooManyRequestsException", "LimitExceededException")
    }


def test_changes_of_stages_pass_unless_they_are_limited() -> None:
    change = limited(lambda *request: request, Gateway(), SandboxSettings())
    assert change("api", "live", {"a": 1}) == ("api", "live", {"a": 1})
