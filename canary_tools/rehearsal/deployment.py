"""Deploys of the stack, as far as the endpoint and the product's own deploy-time handlers are concerned."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from rollout.contract.hosting import RELEASE_SCALING, RELEASE_TYPE

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.services.lambda_functions import ASYNCHRONOUS_DELAYS
from canary_tools.rehearsal.simulated_aws import SimulatedAws
from canary_tools.rehearsal.template import properties_of
from canary_tools.rehearsal.template.intrinsics import Intrinsics
from canary_tools.rehearsal.traffic.fitting import fitting_instances
from canary_tools.sandbox.emulator.patching import Patches

LOOK_SECONDS = 5.0
DEPLOYS_WHILE_BUSY = 5
"""How often a team tries again before it gives up."""
_REHEARSED = "rehearsed"
_ENDPOINT = "AWS::SageMaker::Endpoint"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release as the template names it: its version label and content digest.

    `is_usual`: whether it has instance type and scaling of the endpoint, whatever the template's release has.
    """

    version: str
    digest: str
    is_usual: bool = False


class Deployment:
    """A CloudFormation that knows one endpoint. Its methods run inside a process."""

    def __init__(self, aws: SimulatedAws, patches: Patches) -> None:
        self._aws = aws
        self._declared = aws.declared
        self._answers: list[dict[str, Any]] = []
        self._deployed: dict[str, Any] | None = None
        self._package = ""
        for guard in ("release_slots", "verified_endpoint"):
            responses = aws.functions.code.module(aws.declared.function_of(guard).code, "rollout.custom_resource")
            patches.attribute(responses, "urlopen", self._take_answer)

    def release(self) -> Release:
        """Return the release that the template deploys."""
        properties = self._properties("Custom::ReleaseSlots")
        return Release(version=properties["Version"], digest=properties["ContentDigest"])

    def deploy(self, release: Release) -> str:
        """Deploy a release; return an empty text, or the sentence by which the deploy was refused or failed."""
        first = self._deployed is None
        kind = "CREATE" if first else "UPDATE"
        self._aws.stack_status = f"{kind}_IN_PROGRESS"
        model_name = self._add_model(release)
        properties = self._slots_properties(release, model_name)
        answer = self._custom_resource("release_slots", properties, before=self._deployed)
        if answer["Status"] == "FAILED":
            self._roll_back(properties)
            return str(answer["Reason"])
        slots_id, _ = self._declared.resource("Custom::ReleaseSlots")
        values = self._declared.intrinsics({slots_id: answer["Data"]})
        try:
            config_name = self._update_endpoint(values, release, first=first)
            self._verify(values, config_name)
        except ApiError as error:
            self._roll_back(properties)
            return error.message
        self._deployed = properties
        self._settle(f"{kind}_COMPLETE")
        return ""

    def deploy_when_quiet(self, release: Release) -> str:
        """Deploy as `deploy` does; when it is refused, wait until no instances come any more, and deploy again."""
        refused = self.deploy(release)
        for _ in range(DEPLOYS_WHILE_BUSY):
            if not refused:
                break
            self.wait_for_service()
            refused = self.deploy(release)
        return refused

    def fit_instances(self, requests_per_second: float) -> None:
        """Give the variant that serves the instances that the traffic needs, as auto scaling would have by now."""
        count = fitting_instances(self._declared.plan.settings.scaling, requests_per_second)
        serving = next(row for row in self._aws.endpoint()["ProductionVariants"] if row["CurrentWeight"] > 0)
        if serving["CurrentInstanceCount"] != count:
            rows = [{"VariantName": serving["VariantName"], "DesiredInstanceCount": count}]
            self._aws.sagemaker.endpoints.update_weights_and_capacities(
                {"EndpointName": self._declared.endpoint_name, "DesiredWeightsAndCapacities": rows}
            )
        self.wait_for_service()

    def wait_for_service(self) -> None:
        """Wait until the endpoint is in service."""
        while self._aws.is_changing():
            self._aws.processes.pause(LOOK_SECONDS)

    def _add_model(self, release: Release) -> str:
        declared = self._declared.intrinsics().resolve(self._declared.model()["Properties"])
        container = declared.get("PrimaryContainer", {})
        if "ModelPackageName" in container:
            container["ModelPackageName"] = self._package_arn()
        name = f"{self._declared.stack_name}-model-{release.version}".replace(".", "-")
        models = self._aws.sagemaker.catalogue.models
        if not models.holds(name):  # a deploy that was refused has kept it
            models.create({**declared, "ModelName": name})
        return name

    def _slots_properties(self, release: Release, model_name: str) -> dict[str, Any]:
        declared = self._declared.intrinsics().resolve(self._properties("Custom::ReleaseSlots"))
        package = {"ModelPackage": self._package_arn()} if "ModelPackage" in declared else {}
        own = {"Version": release.version, "ContentDigest": release.digest, "ModelName": model_name}
        of_release = {RELEASE_TYPE, RELEASE_SCALING} if release.is_usual else set()
        kept = {name: value for name, value in declared.items() if name not in of_release}
        return {**kept, **package, **own}

    def _package_arn(self) -> str:
        """Return a model package that takes the place of the template's, which is in no registry here: an approved one.

        What a release does is said by the scenario, not by its package.
        """
        packages = self._aws.sagemaker.catalogue.packages
        if not self._package:
            packages.create_group({"ModelPackageGroupName": _REHEARSED})
            wanted = {"ModelPackageGroupName": _REHEARSED, "ModelApprovalStatus": "Approved"}
            contents = {"InferenceSpecification": {"Containers": [{"Image": _REHEARSED}]}}
            self._package = packages.create({**wanted, **contents})["ModelPackageArn"]
        return self._package

    def _update_endpoint(self, values: Intrinsics, release: Release, *, first: bool) -> str:
        config = values.resolve(self._declared.config()["Properties"])
        name = f"{self._declared.stack_name}-config-{release.version}".replace(".", "-")
        self._aws.sagemaker.catalogue.configs.create({**config, "EndpointConfigName": name})
        request = {**values.resolve(self._properties(_ENDPOINT)), "EndpointConfigName": name}
        endpoints = self._aws.sagemaker.endpoints
        (endpoints.create if first else endpoints.update)(request)
        self.wait_for_service()
        return name

    def _verify(self, values: Intrinsics, config_name: str) -> None:
        properties = values.resolve(self._properties("Custom::VerifiedEndpoint"))
        properties["EndpointConfigName"] = config_name
        answer = self._custom_resource("verified_endpoint", properties, before=self._deployed)
        if answer["Status"] == "FAILED":
            raise ApiError("GeneralServiceException", answer["Reason"])

    def _roll_back(self, refused: Mapping[str, Any]) -> None:
        """Undo a deploy as CloudFormation does: the custom resource is asked again for what was before."""
        if self._deployed is None:
            raise RehearsalError("the first deploy of a rehearsal failed")
        self._aws.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self._custom_resource("release_slots", self._deployed, before=dict(refused))
        self._settle("UPDATE_ROLLBACK_COMPLETE")

    def _settle(self, status: str) -> None:
        self._aws.stack_status = status
        stack_id = self._declared.intrinsics().stack_id
        self._aws.bus.emit(
            source="aws.cloudformation",
            detail_type="CloudFormation Stack Status Change",
            resources=[stack_id],
            detail={"stack-id": stack_id, "status-details": {"status": status}},
        )

    def _custom_resource(
        self, short_name: str, properties: dict[str, Any], *, before: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Ask a handler, as CloudFormation does: asynchronously, so that Lambda repeats an invocation that fails."""
        event = {
            "RequestType": "Create" if before is None else "Update",
            "RequestId": f"{short_name}-{properties.get('Version', '')}-{self._aws.stack_status}",
            "ResponseURL": "https://cloudformation-custom-resource-response.example",
            "StackId": self._declared.intrinsics().stack_id,
            "LogicalResourceId": short_name,
            "ResourceProperties": properties,
            **({} if before is None else {"OldResourceProperties": before}),
        }
        function = self._declared.function_of(short_name)
        self._aws.functions.invoke(function.arn, event)
        for delay in ASYNCHRONOUS_DELAYS[: function.asynchronous_retries]:
            if not self._answers:
                self._aws.processes.pause(delay)
                self._aws.functions.invoke(function.arn, event)
        return self._answers.pop() if self._answers else {"Status": "FAILED", "Reason": f"{short_name} did not answer"}

    def _take_answer(self, request: Any, **_options: object) -> Any:
        """Stand in for the HTTP PUT by which a custom resource answers CloudFormation."""
        self._answers.append(json.loads(request.data))
        return SimpleNamespace(close=lambda: None)

    def _properties(self, kind: str) -> Mapping[str, Any]:
        """Return the properties of this endpoint's resource of a type."""
        return properties_of(self._declared.resource(kind)[1])
