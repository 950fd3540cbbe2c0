"""Acts follow one another, and questions are asked between them."""

import time
from types import SimpleNamespace

import pytest

from canary_tools.acceptance import walk as walking
from canary_tools.acceptance.assumptions import ASSUMPTIONS
from canary_tools.acceptance.program import Act
from canary_tools.acceptance.questions import Answer, Assumption, Moment, Said, Verdict, ask
from canary_tools.acceptance.scene import NotAsked, Scene
from canary_tools.acceptance.stage import Unexpected
from canary_tools.acceptance.walk import Walk


def act(name: str, *, minutes: float = 0, **more: object) -> Act:
    return Act(name=name, expected="good", play=lambda _: "fine", minutes=minutes, **more)


def failing(name: str) -> Act:
    def play(_stage: object) -> str:
        raise Unexpected("it rained")

    return Act(name=name, expected="good", play=play, minutes=0)


def walked(monkeypatch: pytest.MonkeyPatch, *acts: Act, whole: float = 100.0) -> Walk:
    monkeypatch.setattr(walking, "ACTS", acts)
    account = SimpleNamespace(pace=SimpleNamespace(whole=whole))
    stage = SimpleNamespace(scene=SimpleNamespace(account=account))
    walk = Walk(stage, lambda _: None)
    walk.run()
    return walk


def test_an_act_that_goes_wrong_does_not_keep_the_others_from_being_played(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = walked(monkeypatch, act("first"), failing("second"), act("third"))
    assert [seen.right for seen in walk.all_acts()] == [True, False, True]
    assert walk.all_acts()[1].sentence == "it rained"


def test_without_a_first_deploy_nothing_else_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = walked(monkeypatch, failing("first"), act("second"))
    assert [(seen.right, seen.sentence) for seen in walk.all_acts()] == [(False, "it rained"), (None, "not played")]


def test_an_act_that_would_take_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = walked(monkeypatch, act("first"), act("second", minutes=60), act("last"))
    assert [seen.right for seen in walk.all_acts()] == [True, None, True]


def test_the_last_act_is_played_however_late_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Act(name="first", expected="good", play=lambda _: str(time.sleep(0.1)), minutes=0)
    walk = walked(monkeypatch, slow, act("second"), act("last"), whole=0.05)
    assert [seen.right for seen in walk.all_acts()] == [True, None, True]


def test_every_assumption_has_an_answer_whatever_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = walked(monkeypatch, failing("first"))
    answers = walk.all_answers()
    assert [answer.assumption for answer in answers] == list(ASSUMPTIONS)
    assert {answer.verdict for answer in answers} == {Verdict.NOT_ASKED}


def test_questions_are_asked_after_their_act(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (row(lambda _: Said(sentence="yes", value=True)),)
    monkeypatch.setattr(walking, "asked_at", lambda moment: rows if moment is Moment.PROMOTED else ())
    walk = walked(monkeypatch, act("first", then_ask=Moment.PROMOTED), act("second", then_ask=Moment.WALKED))
    assert [answer.verdict for answer in walk.answers] == [Verdict.AS_EXPECTED]


def test_questions_are_asked_even_when_their_act_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (row(lambda _: Said(sentence="yes", value=True)),)
    monkeypatch.setattr(walking, "asked_at", lambda _: rows)
    walk = walked(monkeypatch, act("first"), act("second", minutes=60, then_ask=Moment.WALKED), act("last"))
    assert [answer.verdict for answer in walk.answers] == [Verdict.AS_EXPECTED]


def row(probe: object) -> Assumption:
    return Assumption(key="k", claim="c", relied_on_by=("m",), expected="yes", probe=probe)


def asked(probe: object, scene: Scene | None = None) -> Answer:
    return ask(row(probe), scene)


def test_a_value_that_is_not_the_expected_one_is_otherwise() -> None:
    assert asked(lambda _: Said(sentence="yes", value=True)).verdict is Verdict.AS_EXPECTED
    assert asked(lambda _: Said(sentence="no", value=False)).verdict is Verdict.OTHERWISE


@pytest.mark.parametrize("error", [NotAsked("why not"), TimeoutError("too long")])
def test_a_question_that_fails_is_not_asked_and_says_why(error: Exception) -> None:
    def probe(_scene: object) -> Said:
        raise error

    answer = asked(probe)
    assert (answer.verdict, answer.sentence) == (Verdict.NOT_ASKED, str(error))
