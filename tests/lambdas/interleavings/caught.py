"""Which rule of which machine shows that a safeguard is missing."""

from collections.abc import Mapping
from typing import Any

from tests.lambdas.interleavings import breaks
from tests.lambdas.interleavings.breaks import Break
from tests.lambdas.interleavings.machine import (
    Happenings,
    HeldBackInterleavings,
    Interleavings,
    PacedInterleavings,
)
from tests.lambdas.interleavings.people_machine import PeopleInterleavings

CAUGHT_BY: Mapping[type[Happenings], Mapping[Break, str]] = {
    Interleavings: {
        breaks.shift_without_the_second_read: "a_change_of_weights_arrives_late",
        breaks.panic_without_the_second_lowering: "a_task_is_overtaken_by_an_order_to_zero",
        breaks.settle_acts_on_a_status_that_the_stack_has_left: "a_deploy_is_overtaken_by_an_event_of_the_one_before",
        breaks.settle_starts_without_having_got_the_lock: "the_end_of_a_deploy_is_told_twice",
    },
    PacedInterleavings: {
        breaks.evaluate_sets_the_weights_itself: "a_change_of_the_share_is_disturbed",
    },
    HeldBackInterleavings: {
        breaks.whatever_ends_a_hold_back_takes_the_traffic: "the_end_of_a_hold_back_is_overtaken",
        breaks.a_hold_back_gives_the_rest_before_that_is_decided: "the_end_of_a_hold_back_is_overtaken",
        breaks.a_late_shift_of_a_hold_back_is_undone_to_zero: "a_change_of_weights_arrives_late",
        breaks.an_alarm_leaves_the_share_that_a_shift_was_late_with: "a_change_of_weights_arrives_late",
    },
    PeopleInterleavings: {
        breaks.a_pause_is_not_looked_at: "somebody_pauses_before_a_share_is_decided",
        breaks.a_pause_does_not_hold_the_first_share: "somebody_pauses_before_a_share_is_decided",
        breaks.nobody_is_asked_for_approval: "somebody_pauses_before_a_share_is_decided",
        breaks.a_shift_looks_at_no_window: "the_window_closes_before_a_share_is_given",
        breaks.who_skips_a_bake_skips_its_gates: "the_bake_of_a_bad_canary_is_cut_short",
        breaks.an_approval_is_for_whatever_is_asked_of_its_step: "the_question_changes_while_somebody_answers",
        breaks.a_skipped_bake_is_one_of_whatever_rollout_runs: "an_order_of_the_rollout_before_arrives",
        breaks.a_late_promote_replaces_the_one_of_a_later_step: "an_order_of_the_step_before_arrives",
        breaks.an_approval_is_for_whatever_step_asks: "an_order_of_the_step_before_arrives",
        breaks.an_approval_is_for_whatever_rollout_asks: "an_order_of_the_rollout_before_arrives",
        breaks.a_refusal_is_only_noted: "somebody_ends_a_rollout_beside_a_task",
        breaks.an_abort_is_only_noted: "somebody_ends_a_rollout_beside_a_task",
        breaks.an_abort_waits_for_the_next_look: "somebody_ends_a_rollout_beside_a_task",
        breaks.a_yes_in_the_last_moment_is_taken_and_does_not_count: "an_answer_comes_when_the_time_is_over",
        breaks.a_pause_takes_the_question_back_while_its_time_goes_on: "an_answer_comes_when_the_time_is_over",
        breaks.silence_is_a_yes: "an_answer_comes_when_the_time_is_over",
    },
}
"""Each break with the rule that brings about what it makes go wrong."""
SEEN_AT_REST = frozenset({
    breaks.settle_acts_on_a_status_that_the_stack_has_left, breaks.a_refusal_is_only_noted,
    breaks.an_abort_is_only_noted, breaks.an_abort_waits_for_the_next_look,
    breaks.whatever_ends_a_hold_back_takes_the_traffic, breaks.a_hold_back_gives_the_rest_before_that_is_decided,
})  # fmt: skip
"""The others are seen at once: their examples need not come to rest."""


def machine_for(broken: Break, machine: type[Happenings], rule: str) -> type[Happenings]:
    """Return the machine with this one of its rules alone, which finds what only that rule brings about much earlier.

    Raises:
        KeyError: when the machine has no such rule. So all that catches a break is explored with unbroken handlers too.
    """
    changes: dict[str, object] = {each.function.__name__: each.function for each in machine.setup_state().rules}
    del changes[rule]
    changes["comes_to_rest"] = broken in SEEN_AT_REST
    kind: Any = type(machine)
    narrowed: type[Happenings] = kind(f"{machine.__name__}With_{rule}", (machine,), changes)
    return narrowed
