"""Removes everything that a run made, and lists what is left."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rollout.contract.names import TAG

from canary_tools.acceptance.account import Account
from canary_tools.acceptance.declaration import ENDPOINT_NAME, ENDPOINT_PREFIX, STACK_NAME
from canary_tools.acceptance.stack import Stack
from canary_tools.acceptance.undoing import Undoing

_NAMED = (
    ("apigateway", "get_rest_apis", "items", "name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ("sagemaker", "list_models", "Models", "ModelName"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
)
"""Service, operation, the member with the rows and the member with a name."""

_TAGGED = (("model", "list_models", "Model"), ("endpoint-config", "list_endpoint_configs", "EndpointConfig"))
"""Kind of an ARN, the operation that lists it, and the word in its members."""

_INSTANCE_LOGS = "/aws/sagemaker/Endpoints/"
"""SageMaker logs what instances say to a group of the endpoint's name, which nobody declares."""


class Removal:
    """What one run made: a stack, what it may leave behind, and the files that were staged for it."""

    def __init__(self, account: Account, stack: Stack, endpoint_name: str) -> None:
        self._account = account
        self._stack = stack
        self._endpoint = endpoint_name
        self._sagemaker = account.make_client("sagemaker")
        self._logs = account.make_client("logs")

    def left_by_the_stack(self) -> list[str]:
        """Return what is left of the stack and its endpoint, but for the log of SageMaker's own instances."""
        return self._settled(lambda: {*self._named(), *self._tagged_names()} - {self._instance_log})

    def left(self) -> list[str]:
        """Return everything that is left of a run."""
        return self._settled(lambda: {*self._named(), *self._tagged_names(), *self._stack.staging.left()})

    def run(self, undoing: Undoing) -> list[str]:
        """Remove everything; return a sentence for each thing that could not be removed."""
        failures = undoing.run()
        last = Undoing()
        last.add("the staged files", self._stack.staging.remove)
        last.add("log groups", self._remove_logs)
        last.add("models and endpoint configs", self._remove_tagged)
        last.add(f"the endpoint {self._endpoint}", self._remove_endpoint)
        last.add(f"the stack {STACK_NAME}", self._stack.delete)
        return failures + last.run()

    @property
    def _instance_log(self) -> str:
        return f"{_INSTANCE_LOGS}{self._endpoint}"

    def _named(self) -> Iterator[str]:
        """Yield the names of what is named after the stack or the endpoint, and what could not be listed."""
        for service, operation, rows, name in _NAMED:
            try:
                found = [
                    str(row[name]) if name else str(row)
                    for page in _pages(self._account.make_client(service), operation)
                    for row in page.get(rows, ())
                ]
            except (ClientError, BotoCoreError) as error:
                yield f"what {operation} would list: {error}"
            else:
                yield from (each for each in found if STACK_NAME in each or self._endpoint in each)

    def _settled(self, listing: Callable[[], set[str]]) -> list[str]:
        """List, and list again for a while if there is something: a listing may be late."""
        until = time.monotonic() + self._account.pace.settle
        while (found := listing()) and time.monotonic() < until:
            time.sleep(self._account.pace.look_again)
        return sorted(found)

    def _tagged_names(self) -> Iterator[str]:
        """Yield the names of the models and endpoint configs that have the endpoint's tag."""
        for kind in _TAGGED:
            yield from self._tagged(*kind)

    def _tagged(self, resource: str, operation: str, word: str) -> list[str]:
        """Return the names of one kind that have the endpoint's tag.

        ARNs have names in lower case, and the tags of what is deleted stay listed for a while: names come from the
        service's own listing.
        """
        tagged = self._account.make_client("resourcegroupstaggingapi").get_paginator("get_resources")
        pages = tagged.paginate(
            TagFilters=[{"Key": TAG, "Values": [self._endpoint]}], ResourceTypeFilters=[f"sagemaker:{resource}"]
        )
        arns = {row["ResourceARN"] for page in pages for row in page["ResourceTagMappingList"]}
        rows = [row for page in _pages(self._sagemaker, operation) for row in page[f"{word}s"]]
        return [row[f"{word}Name"] for row in rows if row[f"{word}Arn"] in arns]

    def _remove_endpoint(self) -> None:
        _if_there(lambda: self._sagemaker.delete_endpoint(EndpointName=self._endpoint))

    def _remove_tagged(self) -> None:
        models, configs = _TAGGED
        for name in self._tagged(*configs):
            _if_there(partial(self._sagemaker.delete_endpoint_config, EndpointConfigName=name))
        for name in self._tagged(*models):
            _if_there(partial(self._sagemaker.delete_model, ModelName=name))

    def _remove_logs(self) -> None:
        for prefix in (self._instance_log, STACK_NAME, f"/aws/lambda/{STACK_NAME}"):
            pages = self._logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
            for group in [group["logGroupName"] for page in pages for group in page["logGroups"]]:
                self._logs.delete_log_group(logGroupName=group)


def endpoints_of_earlier_runs(account: Account, stack: Stack) -> list[str]:
    """Return the endpoint that the stack names (without one, a name that nothing has), and those that have a log."""
    logs = account.make_client("logs").get_paginator("describe_log_groups")
    pages = logs.paginate(logGroupNamePrefix=f"{_INSTANCE_LOGS}{ENDPOINT_PREFIX}")
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    named = {stack.outputs().get(ENDPOINT_NAME, f"{ENDPOINT_PREFIX}none")}
    return sorted(named | {group.removeprefix(_INSTANCE_LOGS) for group in groups})


def _pages(client: Any, operation: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of a listing; an operation that knows no pages is one."""
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate()
    else:
        yield getattr(client, operation)()


def _if_there(remove: Callable[[], Any]) -> None:
    try:
        remove()
    except ClientError as error:
        if "ould not find" not in error.response["Error"]["Message"]:
            raise
