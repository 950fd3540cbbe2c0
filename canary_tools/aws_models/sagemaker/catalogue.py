"""Models and endpoint configs: records that are created, read and deleted, but never changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canary_tools.aws_models.api.errors import validation_error
from canary_tools.aws_models.api.paging import page
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.sagemaker.arns import name_in, sagemaker_arn
from canary_tools.aws_models.sagemaker.config_rules import accepted_endpoint_config, accepted_model
from canary_tools.aws_models.sagemaker.packages import ModelPackages
from canary_tools.aws_models.sagemaker.tags import TagStore
from canary_tools.clock import Clock


@dataclass(frozen=True, kw_only=True)
class CatalogueRecord:
    """A model or an endpoint config.

    Attributes:
        created: seconds since the epoch.
        properties: the members of the create request with SageMaker's defaults, without the tags.
    """

    name: str
    arn: str
    created: float
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """The words in which models and endpoint configs differ.

    Attributes:
        api: in operations and members, such as `EndpointConfig`.
        arn: in ARNs, such as `endpoint-config`.
        words: in SageMaker's sentences, such as `endpoint configuration`.
    """

    api: str
    arn: str
    words: str


MODEL = RecordKind(api="Model", arn="model", words="model")
ENDPOINT_CONFIG = RecordKind(api="EndpointConfig", arn="endpoint-config", words="endpoint configuration")


class RecordStore:
    """All records of one kind."""

    def __init__(
        self,
        kind: RecordKind,
        *,
        place: Place,
        clock: Clock,
        tags: TagStore,
        accept: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> None:
        self._kind = kind
        self._place = place
        self._clock = clock
        self._tags = tags
        self._accept = accept
        self._records: dict[str, CatalogueRecord] = {}

    def holds(self, name: str) -> bool:
        """Tell whether there is a record of this name."""
        return name in self._records

    def find(self, name: str) -> CatalogueRecord:
        """Return a record.

        Raises:
            ApiError: `ValidationException` if there is no record of that name.
        """
        if name not in self._records:
            raise validation_error(f'Could not find {self._kind.words} "{self._arn(name)}".')
        return self._records[name]

    def find_by_arn(self, arn: str) -> CatalogueRecord:
        """Return a record by its ARN, in which the name is in lower case.

        Raises:
            ApiError: `ValidationException` if there is no record with that ARN.
        """
        for record in self._records.values():
            if record.arn == arn:
                return record
        return self.find(name_in(arn))

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the create operation."""
        name = request[f"{self._kind.api}Name"]
        arn = self._arn(name)
        if name in self._records:
            raise validation_error(f'Cannot create already existing {self._kind.words} "{arn}".')
        properties = {key: value for key, value in self._accept(request).items() if key != "Tags"}
        self._records[name] = CatalogueRecord(name=name, arn=arn, created=self._clock.now(), properties=properties)
        self._tags.attach(arn, request.get("Tags", ()))
        return {f"{self._kind.api}Arn": arn}

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the describe operation."""
        record = self.find(request[f"{self._kind.api}Name"])
        return {**record.properties, f"{self._kind.api}Arn": record.arn, "CreationTime": record.created}

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the delete operation. SageMaker also deletes records that an endpoint still uses."""
        record = self.find(request[f"{self._kind.api}Name"])
        del self._records[record.name]
        self._tags.drop(record.arn)
        return {}

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the list operation, newest first."""
        rows = [
            {
                f"{self._kind.api}Name": record.name,
                f"{self._kind.api}Arn": record.arn,
                "CreationTime": record.created,
            }
            for record in reversed(self._records.values())
            if request.get("NameContains", "") in record.name
        ]
        return page(f"{self._kind.api}s", rows, request)

    def _arn(self, name: str) -> str:
        return sagemaker_arn(self._place, self._kind.arn, name)


class Catalogue:
    """All models and all endpoint configs, and the registry from which models are made."""

    def __init__(self, *, place: Place, clock: Clock, tags: TagStore) -> None:
        self.packages = ModelPackages(place=place, clock=clock)
        self.models = RecordStore(MODEL, place=place, clock=clock, tags=tags, accept=self._accepted_model)
        self.configs = RecordStore(ENDPOINT_CONFIG, place=place, clock=clock, tags=tags, accept=self._accepted_config)

    def containers(self, model_name: str) -> Sequence[Mapping[str, Any]]:
        """Return the containers of a model; those of its package, if it is made of one.

        Raises:
            ApiError: `ValidationException` if the model or the package is not there any more.
        """
        declared = _containers(self.models.find(model_name).properties)
        return [container for each in declared for container in self.packages.containers(each)]

    def _accepted_model(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties of a model, whose packages must be there.

        No document says whether SageMaker takes one that is not approved. This one does, so that the guard of a deploy
        is what refuses it.
        """
        accepted = accepted_model(request)
        for container in _containers(accepted):
            self.packages.containers(container)
        return accepted

    def _accepted_config(self, request: Mapping[str, Any]) -> dict[str, Any]:
        accepted = accepted_endpoint_config(request)
        for variant in request["ProductionVariants"]:
            if "ModelName" in variant:
                self.models.find(variant["ModelName"])
        return accepted


def _containers(model: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    containers: Sequence[Mapping[str, Any]] = model.get("Containers") or [model["PrimaryContainer"]]
    return containers
