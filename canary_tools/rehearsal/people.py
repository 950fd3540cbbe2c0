"""What people order of a rollout during a rehearsal: each as the `canary` command orders it, with the calls it makes.

A refusal is an ordinary outcome: the person is told why, and nothing is changed. So is a call of the command that fails
as the scenario says.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import boto3
from rollout.watching.reading import Reader
from rollout.watching.target import Target

from canary_tools.cli.aborting import abort
from canary_tools.cli.orders import ORDERS
from canary_tools.cli.promoting import promote, promotion
from canary_tools.cli.refusals import CannotAct, in_sentences
from canary_tools.cli.rolling_back import roll_back, way_back
from canary_tools.cli.session import CONFIG, Session
from canary_tools.rehearsal.record.observation import ORDERED, Observation
from canary_tools.rehearsal.scenario import Control
from canary_tools.rehearsal.services.lambda_functions import Crashed
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.template.intrinsics import ACCOUNT, REGION

Order = Callable[[Session, Reader, str], str]


class People:
    """Everybody who may operate the endpoint, each under a name of their own."""

    def __init__(self, aws: SimulatedAws, observation: Observation) -> None:
        self._aws = aws
        self._observation = observation
        self._client = cache(partial(_client, config=CONFIG))

    def order(self, control: Control) -> None:
        """Carry out a command, and note what the person is told."""
        session = Session(region=REGION, who=f"{_ROLE}/{control.by}", client=self._client)
        try:
            with in_sentences():
                told = COMMANDS[control.do](session, Reader(session, target_of(self._aws)), control.why)
        except CannotAct as refusal:
            told = f"refused: {refusal}"
        except Crashed:
            told = "the command was ended in the middle of a call"
        self._observation.note("control", f"{control.by}{ORDERED}{control.do}: {told}")


def target_of(aws: SimulatedAws) -> Target:
    """Return the endpoint as the command finds it."""
    declared = aws.declared
    return Target(
        endpoint=declared.endpoint_name,
        stack_id=declared.intrinsics().stack_id,
        construct=declared.construct,
        ledger=aws.table.name,
        state_machine_arn=declared.machine_arn,
    )


_ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/operator"


def _client(service: str, **options: Any) -> Any:
    return boto3.DEFAULT_SESSION.client(service, **options)


def _abort(session: Session, reader: Reader, why: str) -> str:
    return abort(session, reader, reason=why).sentence


def _promote(session: Session, reader: Reader, why: str) -> str:
    return promote(session, reader, promotion(reader), reason=why).sentence


def _roll_back(session: Session, reader: Reader, why: str) -> str:
    return roll_back(session, reader, way_back(session, reader), reason=why).sentence


def _ordered(name: str) -> Order:
    return lambda session, reader, why: ORDERS[name](session, reader, reason=why).sentence


COMMANDS: Mapping[str, Order] = {
    "abort": _abort, "promote": _promote, "rollback": _roll_back, **{name: _ordered(name) for name in ORDERS},
}  # fmt: skip
"""What each command orders; it returns what the person is told."""
