"""The local AWS as an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import boto3

from canary_tools.acceptance.account import Account, key_arguments
from canary_tools.acceptance.pace import LOCAL
from canary_tools.sandbox.apigateway.address import stage_url
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION, SandboxSettings
from canary_tools.sandbox.server import Sandbox

SETTINGS = SandboxSettings(
    fleet_update_seconds=3.0, instance_launch_seconds=2.0, weight_update_seconds=2.0, metric_delay_seconds=2.0
)
"""Fast, yet slow enough to see an endpoint change."""


@contextmanager
def local_account(settings: SandboxSettings = SETTINGS) -> Iterator[Account]:
    """Start the local AWS, and stop it afterwards."""
    with Sandbox(settings=settings) as sandbox:
        session = boto3.Session(region_name=REGION)  # the environment points it at the local AWS
        yield Account(
            number=ACCOUNT_ID,
            region=REGION,
            make_client=cache(session.client),
            make_client_as=lambda service, credentials: session.client(service, **key_arguments(credentials)),
            api_url=lambda api, stage: stage_url(sandbox.endpoint_url, rest_api_id=api, stage_name=stage),
            environment=sandbox.environment(),
            pace=LOCAL,
            is_local=True,
        )
