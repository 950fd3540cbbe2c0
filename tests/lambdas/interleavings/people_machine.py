"""The state machine of people at the wheel: who orders what, and who has the next turns, is drawn."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.lambdas.interleavings.machine import TO_ITS_END, Happenings, many_turns, some_turns
from tests.lambdas.interleavings.people import BUTTONS, LOOK, ORDERS, PeopleCourse, Stands

Where = tuple[str, int, Stands]
"""The next task of a rollout, its step, and how that stands."""
RAISES: tuple[Where, ...] = (
    ("ScaleCanary", 0, Stands.FIRST), ("ShiftTraffic", 0, Stands.FIRST), ("ScaleCanary", 1, Stands.FIRST),
    ("ShiftTraffic", 1, Stands.FIRST),
)  # fmt: skip
BAKING: tuple[Where, ...] = (
    ("Evaluate", 0, Stands.FIRST),
    ("Evaluate", 0, Stands.BAKED),
    ("Evaluate", 1, Stands.BAKED),
)
ASKING: tuple[Where, ...] = (("Evaluate", 0, Stands.ASKS), ("Evaluate", 0, Stands.ASKS), ("Evaluate", 1, Stands.ASKS))
FITTING = (
    ("approve", ASKING[0]), ("approve", ASKING[2]), ("reject", ASKING[0]), ("promote", BAKING[0]),
    ("promote", BAKING[2]), ("pause", BAKING[0]), ("abort", BAKING[1]),
)  # fmt: skip
"""Orders that fit where a rollout stands."""
TO_THE_NEXT_STEP = (
    ("promote", BAKING[0], ("Evaluate", 1, Stands.FIRST)), ("approve", ASKING[0], ASKING[2]),
    ("reject", ASKING[0], ASKING[2]),
)  # fmt: skip
"""Such orders as well, and where they would fit again in the next step."""
PROMOTING: Where = ("Promote", 2, Stands.FIRST)
OFTEN = (*ORDERS, "approve", "pause")
OF_BOB = (*(f"bob: {order}" for order in OFTEN), *(f"button: {order}" for order in BUTTONS))
turns_of_a_task = st.one_of(st.just(0), many_turns)
turns_of_a_command = st.one_of(st.just(TO_ITS_END), st.integers(1, 6))
few_tasks = st.integers(0, 3)


class PeopleInterleavings(Happenings):
    """People order beside each other, beside the handlers, late, and of a rollout that is over."""

    course: PeopleCourse

    def new_course(self) -> PeopleCourse:
        return PeopleCourse()

    @rule(
        moment=st.sampled_from((*RAISES, *BAKING, *ASKING, PROMOTING)),
        before=st.sampled_from(("", "", "ann: pause", "ann: promote", "ann: approve")),
        turns=turns_of_a_task,
        first=st.sampled_from(OFTEN),
        turns_of_first=turns_of_a_command,
        second=st.sampled_from(OF_BOB),
        turns_of_second=some_turns,
        task_goes_on_first=st.booleans(),
        tasks=few_tasks,
    )
    def two_people_order_beside_a_task(
        self,
        moment: Where,
        before: str,
        turns: int,
        first: str,
        turns_of_first: int,
        second: str,
        turns_of_second: int,
        task_goes_on_first: bool,  # noqa: FBT001 - drawn
        tasks: int,
    ) -> None:
        """The same order twice as well."""
        self._clear_the_way()
        self.course.begin_rollout(*moment)
        if before:
            self._begin(before, TO_ITS_END)
        self.course.begin(LOOK)
        task = self._begin("task", turns) if turns else None
        of_ann = self._begin(f"ann: {first}", turns_of_first)
        of_bob = self._begin(second, turns_of_second)
        for actor in (task, of_ann, of_bob) if task_goes_on_first else (of_ann, of_bob, task):
            self.course.finish(actor)
        self.the_rollout_goes_on(tasks)

    @rule(
        moment=st.sampled_from((RAISES[0], RAISES[0], *BAKING[1:], *ASKING[1:])),
        turns=turns_of_a_task,
        answer=st.sampled_from(("approve", "promote", "resume")),
        tasks=st.integers(1, 3),
    )
    def somebody_pauses_before_a_share_is_decided(self, moment: Where, turns: int, answer: str, tasks: int) -> None:
        """Before a look, or beside it."""
        self._clear_the_way()
        self.course.begin_rollout(*moment)
        task = self._begin("task", turns) if turns else None
        self._begin("ann: pause", TO_ITS_END)
        self._begin(f"bob: {answer}", TO_ITS_END)
        self.course.finish(task)
        self.the_rollout_goes_on(tasks)

    @rule(
        moment=st.sampled_from((*ASKING[1:], PROMOTING)),
        turns=turns_of_a_task,
        order=st.sampled_from(("abort", "reject", "abort")),
        turns_of_order=some_turns,
        second=st.sampled_from(OF_BOB),
    )
    def somebody_ends_a_rollout_beside_a_task(
        self, moment: Where, turns: int, order: str, turns_of_order: int, second: str
    ) -> None:
        self._clear_the_way()
        self.course.begin_rollout(*moment)
        self.course.begin(LOOK)
        task = self._begin("task", turns) if turns else None
        ending = self._begin(f"ann: {order}", turns_of_order)
        self._begin(second, TO_ITS_END)
        self.course.finish(task)
        self.course.finish(ending)

    @rule(
        ordered=st.sampled_from(FITTING),
        until=st.one_of(st.just("UpdateItem"), st.just("UpdateItem"), st.integers(1, 4)),
        button=st.sampled_from(BUTTONS),
        then=st.sampled_from((*ASKING, BAKING[0], RAISES[1])),
        tasks=few_tasks,
    )
    def an_order_of_the_rollout_before_arrives(
        self, ordered: tuple[str, Where], until: int | str, button: str, then: Where, tasks: int
    ) -> None:
        """A command that hung, most often before its write, and a page that nobody has loaded again."""
        order, moment = ordered
        self._clear_the_way()
        self.course.begin_rollout(*moment)
        self.course.begin(LOOK)
        late = self._begin(f"ann: {order}", until if isinstance(until, int) else 0)
        if isinstance(until, str):
            self.course.go_on_until(late, until)
        self.course.see_it_end()
        self.course.begin_rollout(*then)
        self.course.finish(late)
        self._begin(f"button: {button}", TO_ITS_END)
        self.the_rollout_goes_on(tasks)

    @rule(
        ordered=st.sampled_from(TO_THE_NEXT_STEP),
        second=st.sampled_from(("promote", "approve", "pause")),
        tasks=few_tasks,
    )
    def an_order_of_the_step_before_arrives(self, ordered: tuple[str, Where, Where], second: str, tasks: int) -> None:
        """A command hung before its write, and others have given the same one and another meanwhile."""
        order, moment, then = ordered
        self._clear_the_way()
        execution = self.course.begin_rollout(*moment)
        late = self.course.begin(f"ann: {order}")
        self.course.go_on_until(late, "UpdateItem")
        self.course.bring(execution, *then)
        self._begin(f"bob: {second}", TO_ITS_END)
        self.course.finish(late)
        self.the_rollout_goes_on(tasks)

    @rule(
        moment=st.sampled_from((*RAISES, RAISES[1], RAISES[1])),
        seconds=st.integers(1, 20),
        turns=st.one_of(st.just(0), st.integers(1, 8)),
        order=st.sampled_from(("", "promote", "pause", "resume")),
        tasks=st.integers(1, 3),
    )
    def the_window_closes_before_a_share_is_given(
        self, moment: Where, seconds: int, turns: int, order: str, tasks: int
    ) -> None:
        self._clear_the_way()
        self.course.begin_rollout(*moment)
        self.course.until_the_window_closes(seconds)
        task = self._begin("task", turns) if turns else None
        self.course.aws.wait(seconds)
        if order:
            self._begin(f"ann: {order}", TO_ITS_END)
        self.course.finish(task)
        self.the_rollout_goes_on(tasks)

    @rule(
        index=st.integers(0, 2),
        orders=st.lists(st.sampled_from(("promote", "approve", "pause", "resume")), min_size=1, max_size=3),
        turns=turns_of_a_task,
        turns_of_other=some_turns,
        tasks=st.integers(1, 4),
    )
    def the_bake_of_a_bad_canary_is_cut_short(
        self, index: int, orders: list[str], turns: int, turns_of_other: int, tasks: int
    ) -> None:
        self._clear_the_way()
        execution = self.course.begin_rollout("Evaluate", index)
        self.course.spoil(execution)
        self._begin("ann: promote", TO_ITS_END)
        for order in orders:
            task = self._begin("task", turns) if turns else None
            self._begin(f"bob: {order}", turns_of_other)
            self.course.finish(task)
        self.the_rollout_goes_on(tasks)
        self._clear_the_way()
        self._begin("canary is well", 0)

    @rule(
        moment=st.sampled_from(ASKING),
        before=st.sampled_from(("", "", "pause", "pause", "reject")),
        seconds=st.sampled_from((0, 0, 1, 5)),
        turns=many_turns,
        order=st.sampled_from(("approve", "approve", "resume", "resume", "abort")),
        turns_of_other=some_turns,
        tasks=few_tasks,
    )
    def an_answer_comes_when_the_time_is_over(
        self,
        moment: Where,
        before: str,
        seconds: int,
        turns: int,
        order: str,
        turns_of_other: int,
        tasks: int,
    ) -> None:
        self._clear_the_way()
        execution = self.course.begin_rollout(*moment)
        self._begin("task", TO_ITS_END)
        if before:
            self._begin(f"bob: {before}", TO_ITS_END)
            self._begin("task", TO_ITS_END)
        self.course.until_the_time_is_over(execution, seconds)
        task = self._begin("task", turns)
        self.course.aws.wait(seconds)
        self._begin(f"ann: {order}", turns_of_other)
        self.course.finish(task)
        self.the_rollout_goes_on(tasks)

    @rule(
        pauses=st.integers(1, 2),
        answer=st.sampled_from(("approve", "approve", "resume", "reject")),
        turns=st.integers(0, 6),
        tasks=st.integers(1, 4),
    )
    def the_question_changes_while_somebody_answers(self, pauses: int, answer: str, turns: int, tasks: int) -> None:
        """The step has passed and is approved; then its time is over without a decision."""
        self._clear_the_way()
        self.course.begin_rollout(*ASKING[0])
        self.course.begin(LOOK)
        late = self._begin(f"ann: {answer}", turns) if turns else None
        self.course.begin("alarm is unknown")
        self._begin("bob: approve", TO_ITS_END)
        self.the_rollout_goes_on(3 * pauses)
        self.course.finish(late)
        self._begin(f"button: {answer}", TO_ITS_END)
        self._begin("calm", 0)
        self.the_rollout_goes_on(tasks)
