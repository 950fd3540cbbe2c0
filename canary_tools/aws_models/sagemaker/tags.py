"""Tags of models, endpoint configs and endpoints."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from canary_tools.aws_models.api.errors import validation_error


class TagStore:
    """The tags of every existing resource, by ARN."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def attach(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        """Add a new resource with its tags."""
        self._tags[arn] = {tag["Key"]: tag["Value"] for tag in tags}

    def drop(self, arn: str) -> None:
        """Remove a resource that was deleted."""
        self._tags.pop(arn, None)

    def replace(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        """Replace all tags of a resource, as CloudFormation does.

        Raises:
            ApiError: `ValidationException` if there is no such resource.
        """
        self._of(arn)
        self.attach(arn, tags)

    def all(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Yield every resource with its tags as a list of `Key` and `Value`."""
        for arn in list(self._tags):
            yield arn, self._listed(arn)

    def add_tags(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `AddTags`."""
        self._of(request["ResourceArn"]).update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {"Tags": self._listed(request["ResourceArn"])}

    def list_tags(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `ListTags`."""
        self._of(request["ResourceArn"])
        return {"Tags": self._listed(request["ResourceArn"])}

    def delete_tags(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `DeleteTags`."""
        tags = self._of(request["ResourceArn"])
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _of(self, arn: str) -> dict[str, str]:
        if arn not in self._tags:
            raise validation_error(f'Could not find resource "{arn}".')
        return self._tags[arn]

    def _listed(self, arn: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self._tags.get(arn, {}).items()]
