"""CloudFormation's part: one stack with one endpoint, deployed resource by resource, and back when one fails.

It calls the two custom resources as CloudFormation does: with the old properties again during a rollback, and on
deletion in reverse order. Models and endpoint configs that are replaced are kept.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rollout.contract.adoption import ADOPTION, KEPT, Adoption
from rollout.contract.errors import RolloutError
from rollout.contract.names import SLOTS
from rollout.handlers.release_slots import release_slots
from rollout.handlers.verified_endpoint import verified_endpoint

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.endpoint import Status
from tests.lambdas.fakes.aws import Aws
from tests.lambdas.fakes.settings import ENDPOINT, INSTANCE_TYPE, STACK_MARK, settings

STACK_ID = "arn:aws:cloudformation:us-east-1:000000000000:stack/shop/1"
TAGS = [
    {"Key": "canary-construct:endpoint", "Value": ENDPOINT},
    {"Key": "canary-construct:stack", "Value": STACK_MARK},
]
OF_A_RELEASE = frozenset({"ModelName", "Version", "ContentDigest"})
EXECUTION_ROLE = "arn:aws:iam::000000000000:role/execution"


class DeployFailed(Exception):
    """The stack update failed; the text is the sentence that its user reads."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """What a user deploys."""

    version: str
    digest: str
    settings: dict[str, Any] = field(default_factory=settings)
    instance_type: str = INSTANCE_TYPE
    own_type: str = ""
    """Of the release."""
    own_scaling: dict[str, Any] | None = None
    """Of the release; left out, it has the endpoint's."""
    tags: str = ""
    content_values: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    security_group: str = ""
    readable: tuple[str, ...] | None = None
    key: str = ""
    usable_keys: tuple[str, ...] | None = None
    role: str = ""
    kept_roles: tuple[str, ...] | None = None
    functions: tuple[str, ...] = ()
    callable_functions: tuple[str, ...] | None = None
    package: str = ""
    knobs: dict[str, Any] = field(default_factory=dict)
    """Of the endpoint, by SageMaker's names."""
    adopt: Adoption | None = None
    """The endpoint that was live before the stack. Until the template has a `version` it stays as it is."""
    deployment_config: dict[str, Any] = field(default_factory=dict)
    """Of the endpoint: how SageMaker swaps the fleet, and the alarms that it watches meanwhile."""
    own_knobs: dict[str, Any] = field(default_factory=dict)
    """Of the release, which go before those of the endpoint."""

    @property
    def model_name(self) -> str:
        """Return its name: another role or instance type makes another model, as another content does."""
        return "-".join(filter(None, ["model", self.version, self.digest, self.role, self.own_type.replace(".", "-")]))

    def slots_properties(self) -> dict[str, Any]:
        """Return what the guard is asked; of a release only if there is one."""
        said = self._said()
        return said if self.version else {name: said[name] for name in said.keys() - OF_A_RELEASE}

    def _said(self) -> dict[str, Any]:
        guarded = {**self.settings, "alarms": {}, "metric_period_seconds": 60}
        return {
            "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:release-slots",
            "EndpointName": self.settings["endpoint"],
            "InstanceType": self.instance_type,
            **({"ReleaseInstanceType": self.own_type} if self.own_type else {}),
            **({} if self.own_scaling is None else {"ReleaseScaling": json.dumps(self.own_scaling)}),
            "EndpointDigest": f"{self.tags} {self.deployment_config or ''}".strip(),
            "Settings": json.dumps({k: guarded[k] for k in sorted(guarded) if not k.startswith(("state", "start"))}),
            "ModelName": self.model_name,
            "Version": self.version,
            "ContentDigest": f"{self.digest} {self.own_type}".rstrip(),
            **({"ContentValues": list(self.content_values)} if self.content_values else {}),
            **({"ModelBuckets": list(self.buckets)} if self.buckets else {}),
            **({"SecurityGroup": self.security_group} if self.security_group else {}),
            **({"ModelKey": self.key} if self.key else {}),
            **({"ModelRole": self.role} if self.role else {}),
            **({"ModelFunctions": list(self.functions)} if self.functions else {}),
            **({"ModelPackage": self.package} if self.package else {}),
            **({"Hosting": json.dumps(self._hosting())} if self.knobs else {}),
            **self._kept(),
            **self._adopted(),
        }

    def _adopted(self) -> dict[str, str]:
        return {} if self.adopt is None else {ADOPTION: json.dumps(self.adopt.to_json()), KEPT: "yes"}

    def watched(self) -> list[str]:
        alarms: list[dict[str, str]] = self.deployment_config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        return [alarm["AlarmName"] for alarm in alarms]

    def _hosting(self) -> dict[str, dict[str, Any]]:
        return {"endpoint": self.knobs, "release": {**self.knobs, **self.own_knobs}}

    def _kept(self) -> dict[str, list[str]]:
        kept = {
            "ReadableBuckets": self.readable,
            "UsableKeys": self.usable_keys,
            "KeptRoles": self.kept_roles,
            "CallableFunctions": self.callable_functions,
        }
        return {name: list(values) for name, values in kept.items() if values is not None}


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The resources as CloudFormation knows them."""

    template: Template
    answer: dict[str, Any]
    config: str


class Stack:
    """A stack that is created, updated and deleted."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._requests = 0
        self._configs = 0
        self._made_endpoint = False
        self._rolling_back = False
        self.sibling_fails = False
        """Whether another resource of the stack fails while the endpoint is updated."""
        self.deployed: Deployed | None = None
        self._before: Deployed | None = None
        """What a stack goes back to."""
        self.own_scalings: dict[str, dict[str, Any] | None] = {}
        """Of each model, as the last deploy of it that was not undone asked for it."""

    def template(self, version: str, digest: str = "", **changes: Any) -> Template:
        """Return the template of a release; what is not said stays as it is deployed."""
        before = {} if self.deployed is None else {"settings": self.deployed.template.settings}
        return Template(version=version, digest=digest or f"digest-of-{version}", **{**before, **changes})

    def deploy(self, version: str, digest: str = "", **changes: Any) -> None:
        """Deploy to the end.

        Raises:
            DeployFailed: when a resource failed; the stack is rolled back by then.
        """
        for _ in self.deploying(self.template(version, digest, **changes)):
            pass

    def deploying(self, template: Template) -> Generator[str]:
        """Deploy step by step; yield what is done next."""
        before = self.deployed
        kind = "CREATE" if before is None else "UPDATE"
        self._aws.stacks.status = f"{kind}_IN_PROGRESS"
        self._aws.stacks.began_at = self._aws.clock.now()
        try:
            yield from self._apply(template, before)
        except (RolloutError, ApiError, DeployFailed) as error:
            self._aws.stacks.failures.append(str(error))
            yield from self._roll_back(template, before)
            raise DeployFailed(str(error)) from error
        self._aws.stacks.status = f"{kind}_COMPLETE"

    def retag(self, *, renews_the_fleet: bool) -> None:
        """Deploy with other tags of the stack, as `cdk deploy --tags` does: the template is the same.

        No custom resource is called. No document says whether CloudFormation then calls UpdateEndpoint, with the config
        that the endpoint is on: `renews_the_fleet`.
        """
        assert self.deployed is not None
        self._aws.stacks.status = "UPDATE_IN_PROGRESS"
        self._aws.stacks.began_at = self._aws.clock.now()
        if renews_the_fleet:
            self._update_endpoint(self.deployed.config, self.deployed.template)
            self._wait_while_in_progress()
        self._aws.stacks.status = "UPDATE_COMPLETE"

    def destroy(self) -> None:
        """Delete every resource, dependants first."""
        assert self.deployed is not None
        self._aws.stacks.status = "DELETE_IN_PROGRESS"
        self._delete(self.deployed.template, self.deployed)
        self.deployed = None
        self._aws.stacks.status = "DELETE_COMPLETE"

    # Forth

    def _apply(self, template: Template, before: Deployed | None) -> Iterator[str]:
        yield "Model"
        if template.version:
            self._make_model(template)
        yield "ReleaseSlots"
        answer = self._release_slots(template, before)
        yield "Config"
        config = self._config(template, answer, before)
        yield "Endpoint"
        self._endpoint(template, config, before)
        self.deployed = Deployed(template=template, answer=answer, config=config)
        yield "VerifiedEndpoint"
        self._verify(self.deployed, before)
        self.own_scalings[template.model_name] = template.own_scaling

    def _verify(self, deployed: Deployed, before: Deployed | None) -> None:
        old = {} if before is None else {"OldResourceProperties": _verified_properties(before)}
        kind = "Create" if before is None else "Update"
        verified_endpoint(self._event(kind, _verified_properties(deployed), **old))

    def _make_model(self, template: Template) -> None:
        known = {row["ModelName"] for row in self._aws.sagemaker.catalogue.models.list({})["Models"]}
        if template.model_name not in known:
            container = {"Image": "image:1", "ModelDataUrl": f"s3://models/{template.model_name}.tar.gz"}
            packaged = {"ModelPackageName": template.package}
            self._aws.sagemaker.catalogue.models.create(
                {
                    "ModelName": template.model_name,
                    "ExecutionRoleArn": EXECUTION_ROLE,
                    "PrimaryContainer": packaged if template.package else container,
                    "Tags": TAGS,
                }
            )

    def _release_slots(self, template: Template, before: Deployed | None) -> dict[str, Any]:
        properties = template.slots_properties()
        if before is None:
            return release_slots(self._event("Create", properties))
        old = before.template.slots_properties()
        if properties == old and not self._rolling_back:
            return before.answer
        return release_slots(self._event("Update", properties, OldResourceProperties=old))

    def _config(self, template: Template, answer: dict[str, Any], before: Deployed | None) -> str:
        if not template.version:
            assert template.adopt is not None, "an endpoint of its own has a release"
            return template.adopt.config_name
        if (
            before is not None
            and before.template.version
            and _variants(template, answer) == _variants(before.template, before.answer)
        ):
            return before.config
        self._configs += 1
        name = f"config-{self._configs}"
        self._aws.sagemaker.catalogue.configs.create(
            {"EndpointConfigName": name, "ProductionVariants": _variants(template, answer), "Tags": TAGS}
        )
        return name

    def _endpoint(self, template: Template, config: str, before: Deployed | None) -> None:
        endpoints = self._aws.sagemaker.endpoints
        if not template.version and before is None:
            return
        if before is None:
            endpoints.create({"EndpointName": ENDPOINT, "EndpointConfigName": config})
            self._made_endpoint = True
        elif config != before.config or template.deployment_config != before.template.deployment_config:
            self._update_endpoint(config, template)
        else:
            return
        if self.sibling_fails and not self._rolling_back:
            raise DeployFailed("another resource of the stack failed")
        self._wait_while_in_progress()
        endpoint = endpoints.find(ENDPOINT)
        if endpoint.status is not Status.IN_SERVICE:
            raise DeployFailed(f"Resource handler returned message: {endpoint.failure_reason}")

    def _update_endpoint(self, config: str, template: Template) -> None:
        self._aws.sagemaker.endpoints.update(
            {
                "EndpointName": ENDPOINT,
                "EndpointConfigName": config,
                "RetainAllVariantProperties": True,
                **({"DeploymentConfig": template.deployment_config} if template.deployment_config else {}),
            }
        )

    # And back

    def _roll_back(self, template: Template, before: Deployed | None) -> Iterator[str]:
        if before is None:
            self._aws.stacks.status = "ROLLBACK_IN_PROGRESS"
            self._delete(template, self.deployed)
            self.deployed = None
            self._aws.stacks.status = "ROLLBACK_COMPLETE"
            return
        self._aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self._rolling_back = True
        try:
            yield "ReleaseSlots again"
            slots_before = replace(before, template=template)
            answer = self._release_slots(before.template, slots_before)
            config = self._config(before.template, answer, before)
            now = "unknown" if self.sibling_fails else self._aws.sagemaker.endpoints.find(ENDPOINT).config_name
            self._before = replace(before, answer=answer, config=config)
            self._put_endpoint_back(self._before, now=now)
        finally:
            self._rolling_back = False

    def continue_rollback(self) -> None:
        """Go on where the way back failed, at the endpoint: a guard that has answered is not called again.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
        """
        assert self._before is not None
        self._aws.stacks.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self._rolling_back = True
        try:
            self._put_endpoint_back(self._before, now="unknown")
        finally:
            self._rolling_back = False

    def _put_endpoint_back(self, before: Deployed, *, now: str) -> None:
        try:
            self._endpoint(before.template, before.config, replace(before, config=now))
        except (ApiError, DeployFailed):
            self._aws.stacks.status = "UPDATE_ROLLBACK_FAILED"
            raise
        self.deployed = before
        verified_endpoint(self._event("Update", _verified_properties(self.deployed)))
        self._aws.stacks.status = "UPDATE_ROLLBACK_COMPLETE"

    def _delete(self, template: Template, deployed: Deployed | None) -> None:
        if deployed is not None:
            verified_endpoint(self._event("Delete", _verified_properties(deployed)))
        if self._made_endpoint:
            self._aws.sagemaker.endpoints.delete({"EndpointName": ENDPOINT})
            self._wait_while_in_progress()
            self._made_endpoint = False
        if deployed is not None:
            self._aws.sagemaker.catalogue.configs.delete({"EndpointConfigName": deployed.config})
        release_slots(self._event("Delete", template.slots_properties()))
        models = self._aws.sagemaker.catalogue.models
        if any(row["ModelName"] == template.model_name for row in models.list({})["Models"]):
            models.delete({"ModelName": template.model_name})

    def _event(self, kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        self._requests += 1
        return {
            "RequestType": kind,
            "RequestId": f"request-{self._requests}",
            "StackId": STACK_ID,
            **({} if kind == "Create" else {"PhysicalResourceId": ENDPOINT}),
            "ResourceProperties": properties,
            **more,
        }

    def _wait_while_in_progress(self) -> None:
        endpoints = self._aws.sagemaker.endpoints
        while endpoints.exists(ENDPOINT) and endpoints.find(ENDPOINT).in_progress:
            self._aws.wait(5)


def scaling_id(slot: str) -> dict[str, str]:
    """Return how Application Auto Scaling names a slot."""
    return {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{ENDPOINT}/variant/{slot}",
    }


def _variants(template: Template, answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "VariantName": slot,
            "ModelName": answer[f"Model{letter}"],
            "InstanceType": answer[f"InstanceType{letter}"],
            "InitialInstanceCount": answer[f"Instances{letter}"],
            "InitialVariantWeight": answer[f"Weight{letter}"],
            **{name: answer[f"{name}{letter}"] for name in template.knobs},
        }
        for slot, letter in zip(SLOTS, "AB", strict=True)
    ]


def _verified_properties(deployed: Deployed) -> dict[str, Any]:
    return {
        "EndpointName": ENDPOINT,
        "EndpointConfigName": deployed.config,
        "Settings": json.dumps(deployed.template.settings),
        **({"FleetUpdateAlarms": watched} if (watched := deployed.template.watched()) else {}),
    }
