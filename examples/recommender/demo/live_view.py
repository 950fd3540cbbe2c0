"""Shows a rollout while it happens: a table that redraws itself, or plain lines where there is no terminal."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from examples.recommender.demo.recording import MarkKind
from examples.recommender.demo.view import WINDOW_SECONDS, View
from examples.recommender.shop.repeated import Repeated
from examples.recommender.shop.traffic import Request, Summary, summarise

REFRESH_SECONDS = 0.5
LINE_SECONDS = 5.0
MARKS_SHOWN = 8
STYLES = {
    MarkKind.DEPLOY: "bold",
    MarkKind.STEP: "cyan",
    MarkKind.ALARM: "bold red",
    MarkKind.PROMOTED: "bold green",
    MarkKind.ROLLED_BACK: "bold red",
    MarkKind.NOT_JUDGED: "bold yellow",
}


def render(view: View) -> RenderableType:
    """Draw the view for a terminal."""
    return Panel(
        Group(_headline(view), Text(), _slot_table(view), Text(), _alarm_line(view), _total_line(view), _events(view)),
        title="canary-construct",
        subtitle=_clock(view.elapsed_seconds),
        border_style="blue",
    )


def line(view: View) -> str:
    """Put the view into one line of a log."""
    slots = [_slot_words(name, requests, view) for name, requests in view.slots.items()]
    alarms = f"ALARM {', '.join(view.alarming)}" if view.alarming else "alarms ok"
    totals = f"sent {view.total.sent}, unanswered {view.total.unanswered}"
    return " | ".join([_clock(view.elapsed_seconds), _progress(view), *slots, alarms, totals])


class LiveView:
    """Redraws what ``look`` returns until the ``with`` block ends."""

    def __init__(self, look: Callable[[], View], console: Console) -> None:
        self._look = look
        self._console = console
        self._until_exit = ExitStack()

    def __enter__(self) -> Self:
        following = self._redrawing() if self._console.is_terminal else self._printing()
        self._until_exit.enter_context(following)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._until_exit.close()

    def _redrawing(self) -> Repeated:
        live = Live(render(self._look()), console=self._console, auto_refresh=False)
        self._until_exit.enter_context(live)

        def redraw() -> None:
            live.update(render(self._look()), refresh=True)

        return Repeated(redraw, every_seconds=REFRESH_SECONDS, name="live-view")

    def _printing(self) -> Repeated:
        def print_line() -> None:
            self._console.print(line(self._look()), markup=False, highlight=False, soft_wrap=True)

        return Repeated(print_line, every_seconds=LINE_SECONDS, name="live-view")


def _headline(view: View) -> Text:
    return Text(_progress(view), style="bold")


def _progress(view: View) -> str:
    """Name the step of the rollout, or the phase of the demonstration between rollouts."""
    rollout = view.rollout
    if rollout is None:
        return view.phase
    if not rollout.steps:
        return f"{rollout.version}: before the first step"
    step = rollout.steps[-1]
    for_seconds = view.started_at + view.elapsed_seconds - step.shifted_at
    return f"{rollout.version}: step {step.percent:g} % for {max(0.0, for_seconds):.0f} s"


def _slot_table(view: View) -> Table:
    """Make the table of the slots; all of it fits into 80 columns."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", expand=True)
    table.add_column("slot", no_wrap=True)
    table.add_column("release", overflow="fold")
    for column in ("weight", "seen", "req/s", "errors", "clicks", "p50 ms", "p99 ms", "instances"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, requests in view.slots.items():
        table.add_row(name, *_slot_cells(name, requests, view))
    return table


def _slot_cells(name: str, requests: Sequence[Request], view: View) -> list[Text]:
    summary = summarise(requests)
    slot = None if view.observation is None else view.observation.slots.get(name)
    return [
        Text(_release(requests)),
        Text("" if slot is None else f"{slot.weight:.3g} %", style="bold"),
        Text(f"{_share(requests, view):.1%}"),
        Text(f"{summary.sent / WINDOW_SECONDS:.1f}"),
        Text(f"{summary.error_rate:.1%}", style="bold red" if summary.model_errors else ""),
        Text(f"{summary.click_rate:.0%}"),
        Text(_number(summary, summary.p50_ms)),
        Text(_number(summary, summary.p99_ms)),
        Text("" if slot is None else f"{slot.instances}/{slot.desired_instances}"),
    ]


def _slot_words(name: str, requests: Sequence[Request], view: View) -> str:
    summary = summarise(requests)
    slot = None if view.observation is None else view.observation.slots.get(name)
    weight = "?" if slot is None else f"{slot.weight:.3g}"
    return (
        f"{name} {_release(requests)} weight {weight} % seen {_share(requests, view):.0%} "
        f"errors {summary.error_rate:.0%} clicked {summary.click_rate:.0%} p99 {_milliseconds(summary, summary.p99_ms)}"
    )


def _release(requests: Sequence[Request]) -> str:
    versions = [request.version for request in requests if request.version is not None]
    return versions[-1] if versions else "-"


def _share(requests: Sequence[Request], view: View) -> float:
    return len(requests) / len(view.recent) if view.recent else 0.0


def _number(summary: Summary, milliseconds: float) -> str:
    return f"{milliseconds:.0f}" if summary.ok + summary.model_errors else "-"


def _milliseconds(summary: Summary, value: float) -> str:
    number = _number(summary, value)
    return number if number == "-" else f"{number} ms"


def _alarm_line(view: View) -> Text:
    if view.alarming:
        return Text(f"ALARM: {', '.join(view.alarming)}", style="bold red")
    count = 0 if view.observation is None else len(view.observation.alarms)
    return Text(f"{count} alarms, none in ALARM", style="green")


def _total_line(view: View) -> Text:
    text = Text(f"{view.total.sent:,} requests, {view.total.model_errors:,} model errors, ")
    return text.append(f"{view.total.unanswered:,} unanswered", style="red" if view.total.unanswered else "green")


def _events(view: View) -> Group:
    recent = view.marks[-MARKS_SHOWN:]
    return Group(
        *(Text(f"{_clock(mark.at - view.started_at)}  {mark.text}", style=STYLES[mark.kind]) for mark in recent)
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
