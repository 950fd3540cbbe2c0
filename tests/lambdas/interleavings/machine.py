"""The state machine: what begins, and who has the next turns, is drawn."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.lambdas.fakes.paced import HARM_BUDGET
from tests.lambdas.interleavings.course import FIXED, HOLD_BACK, PACED, SET_WEIGHTS, Change, Course, Held, Moment
from tests.lambdas.interleavings.turns import Actor

MOMENTS = (
    ("Prepare", 0), ("ScaleCanary", 0), ("ShiftTraffic", 0), ("ShiftTraffic", 1), ("Evaluate", 1), ("ScaleCanary", 2),
    ("ShiftTraffic", 2), ("Promote", 2),
)  # fmt: skip
AFTER_A_STOP = {"stop and restore": "last event", "stop and clock": "clock"}
LOWERING = ("alarm", "stop and restore", "abort")
EVENTS = ("event", "event again", "another event again")
REST = (
    "task", "task again", "deploy", "deploy the first again", "start by hand", "another hand", "scale",
    "weights fall back", "calm", "stop", "clock",
)  # fmt: skip
WRITES = {
    "Prepare": ("UpdateItem", "RegisterScalableTarget"),
    "ScaleCanary": ("RegisterScalableTarget",),
    "ShiftTraffic": ("UpdateItem", SET_WEIGHTS),
    "Evaluate": ("UpdateItem",),
    "Promote": ("UpdateItem", "RegisterScalableTarget", "DeleteItem"),
}
CALLS_OF_SETTLE = ("RegisterScalableTarget", "Query", "PutItem")
"""It sets floors, counts the rollouts for the name of the next one, and takes the lock for that."""
BEFORE_A_WRITE = tuple((moment, write) for moment in MOMENTS for write in WRITES[moment[0]])
WEATHER = ("", "", "scale", "weights fall back", "task again", "another hand")
TO_ITS_END = 1000
CHANGING = (
    ("ScaleCanary", Change.FIRST), ("ScaleCanary", Change.RAISED), ("ShiftTraffic", Change.RAISED),
    ("ShiftTraffic", Change.LOWERED), ("Evaluate", Change.RAISED), ("Evaluate", Change.LOWERED),
)  # fmt: skip
BEFORE_A_CHANGE = tuple((moment, write) for moment in CHANGING for write in WRITES[moment[0]])
WEATHER_OF_CHANGES = (*WEATHER, "weights throttled", "answer lost", "canary fails")
HOLDING = (
    ("Promote", Held.BEGINS), ("ScaleCanary", Held.LASTS), ("ShiftTraffic", Held.LASTS), ("Evaluate", Held.LASTS),
    ("ScaleCanary", Held.IS_OVER), ("ShiftTraffic", Held.IS_OVER), ("Promote", Held.IS_OVER),
)  # fmt: skip
BEFORE_A_WRITE_OF_A_HOLD_BACK = tuple((moment, write) for moment in HOLDING for write in WRITES[moment[0]])
ENDING = (*LOWERING, "alarm", "deploy", "stop and clock")
many_turns = st.one_of(st.integers(1, 6), st.integers(1, 18))
some_turns = st.one_of(st.just(TO_ITS_END), st.just(TO_ITS_END), st.integers(0, 7))


class Happenings(RuleBasedStateMachine):
    """What people and AWS may do to one endpoint, in turns of one AWS call each.

    Attributes:
        comes_to_rest: whether everything is let end after an example, and judged then.
    """

    comes_to_rest = True

    def __init__(self) -> None:
        super().__init__()
        self.course = self.new_course()

    def new_course(self) -> Course:
        """Return an endpoint whose rollouts have fixed steps."""
        return Course(FIXED)

    @initialize()
    def the_first_release_serves(self) -> None:
        self.course.shop.serve_first()

    @rule(tasks=st.integers(1, 6))
    def the_rollout_goes_on(self, tasks: int) -> None:
        for _ in range(tasks):
            self.course.finish(self.course.begin("task"))

    def teardown(self) -> None:
        try:
            if self.comes_to_rest and not self.course.violated:
                self.course.come_to_rest()
        finally:
            self.course.close()

    def _clear_the_way(self) -> None:
        self.course.begin("stop")
        self.course.come_to_rest()

    def _overtake(self, first: str, turns: int, by: str, turns_of_other: int) -> None:
        """One begins and is held up, another runs, and the first goes on later."""
        overtaken = self._begin(first, turns)
        self._begin(by, turns_of_other)
        self.course.finish(overtaken)

    def _go_on(self, actor: Actor | None, until: int | str) -> None:
        """Give some turns to one, or turns until this call is its next."""
        if isinstance(until, str):
            self.course.go_on_until(actor, until)
        else:
            self.course.go_on(actor, until)

    def _begin(self, happening: str, turns: int) -> Actor | None:
        if happening in AFTER_A_STOP:
            self.course.begin("stop")
        actor = self.course.begin(AFTER_A_STOP.get(happening, happening))
        self.course.go_on(actor, turns)
        return actor


class Interleavings(Happenings):
    """Releases that are overtaken by orders to zero, and deploys by what AWS starts because of them."""

    @rule(
        paused=st.one_of(st.sampled_from(BEFORE_A_WRITE), st.tuples(st.sampled_from(MOMENTS), many_turns)),
        by=st.sampled_from(LOWERING),
        turns_of_other=some_turns,
        weather=st.sampled_from(WEATHER),
    )
    def a_task_is_overtaken_by_an_order_to_zero(
        self, paused: tuple[tuple[str, int], int | str], by: str, turns_of_other: int, weather: str
    ) -> None:
        """The task stops after some turns, or before its next call of an operation."""
        self._overtaken(*paused, by, turns_of_other, weather)

    @rule(moment=st.sampled_from((0, 1, 2)), by=st.sampled_from(LOWERING), turns_of_other=some_turns)
    def a_change_of_weights_arrives_late(self, moment: Moment, by: str, turns_of_other: int) -> None:
        """The shift has announced its change, and is overtaken before that is carried out."""
        self._overtaken(("ShiftTraffic", moment), SET_WEIGHTS, by, turns_of_other, "")

    def _overtaken(
        self, moment: tuple[str, Moment], until: int | str, by: str, turns_of_other: int, weather: str
    ) -> None:
        self._clear_the_way()
        self.course.begin_release(*moment)
        task = self.course.begin("task")
        self._go_on(task, until)
        if weather:
            self._begin(weather, 0)
        self._begin(by, turns_of_other)
        self.course.finish(task)

    @rule(
        turns=st.integers(1, 25),
        by=st.sampled_from((*EVENTS, "event", "task", "clock")),
        turns_of_other=some_turns,
    )
    def a_deploy_is_overtaken_by_an_event_of_the_one_before(self, turns: int, by: str, turns_of_other: int) -> None:
        self._clear_the_way()
        self._begin("deploy", TO_ITS_END)
        self._overtake("deploy", turns, by, turns_of_other)

    @rule(
        until=st.one_of(st.sampled_from(CALLS_OF_SETTLE), st.integers(1, 25)),
        by=st.sampled_from(("event again", "event again", "event again", "stop", "deploy", "start by hand")),
        turns_of_other=some_turns,
        tasks=st.sampled_from((1, 2, 0)),
    )
    def the_end_of_a_deploy_is_told_twice(self, until: int | str, by: str, turns_of_other: int, tasks: int) -> None:
        """Settle stops after some turns, or before its next call of an operation."""
        self._clear_the_way()
        self._begin("deploy", TO_ITS_END)
        first = self._begin("event", 0)
        self._go_on(first, until)
        self._begin(by, turns_of_other)
        self.the_rollout_goes_on(tasks)
        self.course.finish(first)

    @rule(happening=st.sampled_from((*REST, *EVENTS, *LOWERING)), turns=some_turns)
    def something_happens(self, happening: str, turns: int) -> None:
        self._begin(happening, turns)

    @precondition(lambda self: self.course.under_way)
    @rule(which=st.integers(0, 3), turns=some_turns)
    def one_goes_on(self, which: int, turns: int) -> None:
        under_way = self.course.under_way
        self.course.go_on(under_way[which % len(under_way)], turns)

    @rule()
    def everything_ends(self) -> None:
        self.course.come_to_rest()


class PacedInterleavings(Interleavings):
    """The same of an endpoint whose share moves within a step."""

    def new_course(self) -> Course:
        return Course(PACED, harm_budget=HARM_BUDGET)

    @rule(
        paused=st.one_of(st.sampled_from(BEFORE_A_CHANGE), st.tuples(st.sampled_from(CHANGING), many_turns)),
        by=st.sampled_from(LOWERING),
        turns_of_other=some_turns,
        weather=st.sampled_from(WEATHER_OF_CHANGES),
    )
    def a_task_is_overtaken_by_an_order_to_zero(  # type: ignore[override]
        self, paused: tuple[tuple[str, Change], int | str], by: str, turns_of_other: int, weather: str
    ) -> None:
        """The task of a change of the share stops after some turns, or before its next call of an operation."""
        self._overtaken(*paused, by, turns_of_other, weather)

    @rule(moment=st.sampled_from(Change), by=st.sampled_from(LOWERING), turns_of_other=some_turns)
    def a_change_of_weights_arrives_late(self, moment: Moment, by: str, turns_of_other: int) -> None:
        """The shift has announced its change of a paced share, and is overtaken before that is carried out."""
        self._overtaken(("ShiftTraffic", moment), SET_WEIGHTS, by, turns_of_other, "")

    @rule(
        change=st.sampled_from(Change),
        weather=st.sampled_from(WEATHER_OF_CHANGES),
        by=st.sampled_from(("canary fails", "task again", "scale")),
        tasks=st.integers(2, 12),
    )
    def a_change_of_the_share_is_disturbed(self, change: Change, weather: str, by: str, tasks: int) -> None:
        """The rollout goes on, however it may."""
        self._clear_the_way()
        self.course.begin_release("ShiftTraffic", change)
        for happening in (weather, by):
            if happening:
                self._begin(happening, TO_ITS_END)
        self.the_rollout_goes_on(tasks)
        self._begin("canary is well", 0)


class HeldBackInterleavings(Interleavings):
    """The same of an endpoint whose former release keeps a share after a promotion."""

    def new_course(self) -> Course:
        return Course(FIXED, hold_back=HOLD_BACK)

    @rule(
        paused=st.one_of(
            st.sampled_from(BEFORE_A_WRITE_OF_A_HOLD_BACK), st.tuples(st.sampled_from(HOLDING), many_turns)
        ),
        by=st.sampled_from(ENDING),
        turns_of_other=some_turns,
        weather=st.sampled_from(WEATHER_OF_CHANGES),
    )
    def a_task_is_overtaken_by_an_order_to_zero(  # type: ignore[override]
        self, paused: tuple[tuple[str, Held], int | str], by: str, turns_of_other: int, weather: str
    ) -> None:
        """A task of the hold-back is overtaken by what takes the traffic back, or ends the hold-back."""
        self._overtaken(*paused, by, turns_of_other, weather)

    @rule(moment=st.sampled_from((Held.LASTS, Held.IS_OVER)), by=st.sampled_from(ENDING), turns_of_other=some_turns)
    def a_change_of_weights_arrives_late(self, moment: Moment, by: str, turns_of_other: int) -> None:
        """The shift has announced its change, and something ends the hold-back before it is carried out."""
        self._overtaken(("ShiftTraffic", moment), SET_WEIGHTS, by, turns_of_other, "")

    @rule(
        weather=st.sampled_from(WEATHER_OF_CHANGES),
        first=st.sampled_from(ENDING),
        turns=many_turns,
        by=st.sampled_from((*ENDING, "task", "another hand")),
        turns_of_other=some_turns,
    )
    def the_end_of_a_hold_back_is_overtaken(
        self, weather: str, first: str, turns: int, by: str, turns_of_other: int
    ) -> None:
        """Two things end it at the same time."""
        self._clear_the_way()
        self.course.begin_release("Evaluate", Held.LASTS)
        if weather:
            self._begin(weather, TO_ITS_END)
        self._overtake(first, turns, by, turns_of_other)
