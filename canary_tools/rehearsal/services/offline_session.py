"""boto3 sessions without a network, whose clients are made once a process: a client costs more than its calls do."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import botocore.retries.standard
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.parsers import DEFAULT_TIMESTAMP_PARSER
from botocore.retries.quota import RetryQuota

from canary_tools.rehearsal.template.intrinsics import REGION
from canary_tools.sandbox.emulator.patching import Patches

Listener = Callable[..., Any]


class RenewedQuota(botocore.retries.standard.RetryQuotaChecker):  # type: ignore[misc]  # botocore has no types
    """How many repetitions a client has left; as many as a new one has after `renew`."""

    def renew(self) -> None:
        """Forget what was used."""
        self._quota = RetryQuota()
        self._last_amount_acquired = None


def moment(value: Any) -> datetime:
    """Return the moment of an answer. Seconds since the epoch are read in UTC, which is the zone of a Lambda.

    botocore reads them in the zone of the machine, and asks it anew for each value.

    >>> moment(1_800_000_000.5).isoformat(), moment("2027-01-15T08:00:00Z").isoformat()
    ('2027-01-15T08:00:00.500000+00:00', '2027-01-15T08:00:00+00:00')
    """
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    parsed: datetime = DEFAULT_TIMESTAMP_PARSER(value)
    return parsed


class OfflineSession(boto3.session.Session):  # type: ignore[misc]  # boto3 has no types
    """Gives the same client whenever the same one is asked for. Requests are not signed."""

    def __init__(self) -> None:
        unsigned = botocore.session.Session()
        unsigned.set_default_client_config(Config(signature_version=UNSIGNED, user_agent="rehearsal"))
        unsigned.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
        super().__init__(region_name=REGION, botocore_session=unsigned)
        self._clients: dict[tuple[str, str], Any] = {}
        self._quotas: list[RenewedQuota] = []

    def client(self, service_name: str, *, config: Config | None = None) -> Any:
        """Return a client; one that was there before has its whole quota of repetitions since `renew`."""
        key = (service_name, repr(sorted(vars(config or Config()).items())))
        if key not in self._clients:
            self._clients[key] = self._new_client(service_name, config)
        return self._clients[key]

    def renew(self) -> None:
        """Let every client be as good as new."""
        for quota in self._quotas:
            quota.renew()

    def _new_client(self, service_name: str, config: Config | None) -> Any:
        def quota(*arguments: Any) -> RenewedQuota:
            self._quotas.append(RenewedQuota(*arguments))
            return self._quotas[-1]

        patches = Patches()
        patches.attribute(botocore.retries.standard, "RetryQuotaChecker", quota)
        try:
            return super().client(service_name, config=config)
        finally:
            patches.undo()


@cache
def offline_session() -> OfflineSession:
    """Return the session of this process."""
    return OfflineSession()
