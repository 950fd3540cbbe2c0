"""When a person is asked of a step, and what a yes leads to."""

from __future__ import annotations

from typing import NamedTuple

from rollout import sentences
from rollout.contract.states import Awaits, Next
from rollout.decisions.bake import Decision


class Questions(NamedTuple):
    """What a person is asked of a step, as sentences; one is empty where nobody is asked.

    `passed`: of a step that has passed, and needs a yes that it does not have. `undecided`: of one whose time is over
    without a decision. `taken_by`: who takes such a step as passed, and why; empty until somebody does.
    """

    passed: str = ""
    undecided: str = ""
    taken_by: str = ""


class Asked(NamedTuple):
    """What was decided, and what the step waits for from a person."""

    decision: Decision
    awaits: Awaits | None = None


NOBODY = Questions()


def ask(decision: Decision, questions: Questions, *, following: Next, goes_on: bool, is_asked: bool) -> Asked:
    """Return the decision, or that the step stays because a person is asked.

    A failed gate and a silent canary are decided: nobody is asked. `following`: what a pass of this step leads to.
    `is_asked`: a look before has found that the step has passed, and it has its own share still. Then it is asked about
    also while somebody has paused the rollout, or no new metrics have come: people can answer until the time is over.
    `goes_on`: whether the step may go on when somebody takes it as passed: this look saw a new metric period, and
    nothing holds the step.
    """
    if questions.passed and (decision.next is following or (is_asked and decision.next is Next.STAY)):
        return Asked(Decision(Next.STAY, f"{questions.passed}: {decision.reason}"), Awaits.APPROVAL)
    if decision.next is not Next.GIVE_UP or not questions.undecided:
        return Asked(decision)
    if not questions.taken_by:
        return Asked(Decision(Next.STAY, f"{questions.undecided}: {decision.reason}"), Awaits.DECISION)
    if not goes_on:
        waits = sentences.NOT_DECIDED_YET.format(order=questions.taken_by)
        return Asked(Decision(Next.STAY, f"{waits}: {decision.reason}"), Awaits.DECISION)
    taken = sentences.TAKEN_AS_PASSED.format(order=questions.taken_by)
    return Asked(Decision(following, f"{taken}: {decision.reason}"))
