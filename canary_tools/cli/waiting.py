"""Waits for a release, or watches a rollout, until its outcome is known."""

from collections.abc import Callable
from functools import partial

from rollout import clock
from rollout.watching.reading import Reader, Reading

from canary_tools.cli.outage import Patience
from canary_tools.cli.outcome import Outcome, outcome_of
from canary_tools.cli.statuses import Status

LOOK_AGAIN_SECONDS = 10.0
DUE_SECONDS = 15 * 60
"""How long a rollout is waited for that a deploy should have started. Events may come late; the clock looks then."""


def wait_for(
    reader: Reader,
    version: str,
    *,
    timeout: float | None = None,
    through_hold_back: bool = False,
    look_again: float = LOOK_AGAIN_SECONDS,
) -> Outcome:
    """Wait until a release is promoted, rolled back or not judged, or there is nothing to wait for.

    `timeout` and `look_again` are in seconds; without a time-out it waits as long as the rollout takes.
    """
    began_at, patience = clock.now(), Patience()
    while True:
        may_be_due = clock.now() - began_at < DUE_SECONDS
        outcome = patience.ask(
            partial(_look, reader, version, may_be_due=may_be_due, through_hold_back=through_hold_back)
        )
        if outcome is not None:
            return outcome
        if timeout is not None and clock.now() - began_at + look_again > timeout:
            return Outcome(
                status=Status.STILL_RUNNING,
                sentence=f"{version} is still open after {timeout:g} s; the rollout goes on",
            )
        clock.pause(look_again)


def _look(reader: Reader, version: str, *, may_be_due: bool, through_hold_back: bool) -> Outcome | None:
    lock = reader.ledger.lock()  # first: what holds it is in the records by then
    release, rollouts = reader.ledger.release(version), reader.rollouts()
    ended = [rollout.ended_at for rollout in rollouts if rollout.version == version]
    has_had_one = bool(ended)
    return outcome_of(
        version,
        lock=lock,
        release=release,
        rollouts=rollouts,
        serves=not has_had_one and release is not None and _serves(reader, version),
        retried=may_be_due and lock is None and has_had_one and reader.was_deployed_after(ended[-1]),
        through_hold_back=through_hold_back,
    )


def _serves(reader: Reader, version: str) -> bool:
    view = reader.endpoint.describe()
    serving = view.serving_slots()
    return len(serving) == 1 and reader.versions(view).get(serving[0]) == version


def watch(reader: Reader, show: Callable[[Reading], None], *, look_again: float = LOOK_AGAIN_SECONDS) -> Outcome:
    """Show one look after the other, until the rollout that runs at the first of them has ended.

    Without a rollout it is one look. `look_again`: in seconds.
    """
    reading, patience = reader.read(), Patience()
    show(reading)
    execution = reading.lock.holder if reading.runs and reading.lock is not None else ""
    if not execution:
        return Outcome(status=Status.NOTHING, sentence="no rollout runs")
    while reading.lock is not None and reading.lock.holder == execution:
        clock.pause(look_again)
        looked = patience.ask(reader.read)
        if looked is not None:
            reading = looked
            show(reading)
    version = next((each.version for each in reading.rollouts if each.execution == execution), "")
    ended = [each for each in reading.rollouts if each.execution == execution]
    outcome = outcome_of(version, lock=None, release=None, rollouts=ended, serves=False)
    return outcome or Outcome(status=Status.NOTHING, sentence=f"rollout {execution} ended without a record")
