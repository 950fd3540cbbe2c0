"""What the guards of a deploy are told of the resources that they guard, and of the release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Stack

from canary_construct.cdk.lazy import rendered_value
from canary_construct.cdk.outermost_stack import outermost_stack
from canary_construct.hosting.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_cdk import CfnElement, IResolvable
    from constructs import Construct
    from rollout.contract.hosting import Knobs

    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.hosting.overridden import Model, Overridden
    from canary_construct.props.model_release import ModelRelease

CONTENT = ("primaryContainer", "containers", "inferenceExecutionConfig")
_OVERRIDDEN_CONTENT = tuple(f"Properties.{name[0].upper()}{name[1:]}" for name in CONTENT)


class Guarded:
    """The resources whose change a guard must see, as they are when the template is rendered.

    Tags, overrides and Aspects are in by then. The resources read each other and the guard's answer: these references
    count as they are written, since a guard that waited for their values would wait for itself.
    """

    def __init__(self, scope: Construct) -> None:
        self._stack = Stack.of(scope)
        self._resources: list[Overridden] = []
        self._answers: list[CfnElement] = []

    def add(self, *resources: Overridden) -> None:
        """Guard these."""
        self._resources += resources

    def answered_by(self, element: CfnElement) -> None:
        """Name the guard whose answer they read."""
        self._answers.append(element)

    def properties(self) -> dict[str, IResolvable]:
        """Return the properties by which a guard is called when one of them changes."""
        return _properties("Endpoint", self._digest)

    def _digest(self) -> Digest:
        elements: list[CfnElement] = [*self._resources, *self._answers]
        own = self._stack.resolve([element.logical_id for element in elements])
        content = [resource.rendered() for resource in self._resources]
        tags = self._stack_tags()
        return Digest.of([*content, tags] if tags else content, own=own)

    def _stack_tags(self) -> dict[str, str]:
        """Return the tags that CloudFormation puts on every resource, though the template does not have them.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-add-tags.html
        """
        return dict(outermost_stack(self._stack).tags.tag_values())


def release_properties(
    release: ModelRelease | None, model: Model | None, archives: Sequence[ModelArchive | None], hosting: Knobs
) -> dict[str, object]:
    """Return the properties by which the guard knows the release and its model; none before there is one."""
    if release is None or model is None:
        return {}
    return {
        "ModelName": model.attr_model_name,
        "Version": release.version,
        "ModelPackage": release.model_package_arn,
        **content_properties(model, archives, hosting),
    }


def content_properties(model: Model, archives: Sequence[ModelArchive | None], hosted: Knobs) -> dict[str, IResolvable]:
    """Return the properties by which the guard knows the content of a release.

    With the version it is the release's identity: image, model data and environment, and how it is hosted. Of an
    archive that is shipped with the stack the content counts, not the bucket that it is shipped to.
    """
    return _properties("Content", lambda: Digest.of(_content(model, archives, hosted)))


def _content(model: Model, archives: Sequence[ModelArchive | None], hosted: Knobs) -> dict[str, Any]:
    rendered = model.rendered()
    names = [name for name in rendered if name in CONTENT or name.startswith(_OVERRIDDEN_CONTENT)]
    content = {name: rendered[name] for name in names}
    if "containers" in content:
        content["containers"] = _by_digest(content["containers"], archives)
    else:
        (content["primaryContainer"],) = _by_digest([content["primaryContainer"]], archives)
    if hosted:
        content["hosting"] = Stack.of(model).resolve(hosted)
    return content


def _by_digest(containers: Sequence[dict[str, Any]], archives: Sequence[ModelArchive | None]) -> list[dict[str, Any]]:
    """Return containers whose shipped archives are named by their content, not by where they are shipped to."""
    return [
        {**container, "modelDataUrl": archive.digest} if archive is not None and archive.is_shipped else container
        for container, archive in zip(containers, archives, strict=True)
    ]


def _properties(what: str, digest: Callable[[], Digest]) -> dict[str, IResolvable]:
    return {
        f"{what}Digest": rendered_value(lambda: digest().sha256),
        f"{what}Values": rendered_value(lambda: digest().values or None),
    }
