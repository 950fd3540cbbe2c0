"""The SageMaker model of the newest release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_sagemaker as sagemaker

from canary_construct.hosting.overridden import Model
from canary_construct.hosting.replaced import keep_replaced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from canary_construct.hosting.hosting import Hosting
    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.props.container import Container, PrivateRegistry
    from canary_construct.props.model_release import ModelRelease

HOSTED_AS = "CANARY_CONSTRUCT_HOSTING"


def model(
    scope: Construct,
    hosting: Hosting,
    *,
    release: ModelRelease,
    archives: Sequence[ModelArchive | None],
    role: iam.IRole,
) -> Model:
    """Declare the model. CloudFormation keeps the ones it replaces: a slot may still serve them.

    `archives`: of each container.

    Raises:
        ValueError: when an image is in a private registry and the models run in no VPC.
    """
    containers = release.all_containers()
    if hosting.vpc_config is None:
        _refuse_private_registries(release.version, containers)
    mark = _mark(scope, hosting)
    marks = [mark, *({} for _ in containers[1:])]
    definitions = (
        [_definition(*each) for each in zip(containers, archives, marks, strict=True)]
        if release.model_package_arn is None
        else [_packaged(release, mark)]
    )
    is_single = len(definitions) == 1
    resource = Model(
        scope,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=definitions[0] if is_single else None,
        containers=None if is_single else definitions,
        enable_network_isolation=hosting.network_isolation or None,
        vpc_config=hosting.vpc_config,
        tags=hosting.tags(),
    )
    resource.node.add_dependency(role)
    return keep_replaced(resource)


def _mark(scope: Construct, hosting: Hosting) -> dict[str, str]:
    """Return a variable of the first container by which each model is hosted in one way only.

    The name of a model tells which release a slot holds. CloudFormation makes a new model when the containers change.
    A release that changes nothing but how it is hosted needs a model of its own as well.
    """
    hosted = hosting.of_release()
    return {HOSTED_AS: Stack.of(scope).to_json_string(hosted)} if hosted else {}


def registry_credentials(releases: Sequence[ModelRelease]) -> list[lambda_.IFunction]:
    """Return the functions that give the credentials of the private registries of some releases, each once."""
    configs = (container.image_config for release in releases for container in release.all_containers())
    found = [config.credentials for config in configs if config is not None and config.credentials is not None]
    return list({function.node.addr: function for function in found}.values())


def _refuse_private_registries(version: str, containers: Sequence[Container]) -> None:
    images = [container.image_uri for container in containers if container.image_config is not None]
    if images:
        raise ValueError(
            f"image_config of release {version} needs a vpc, through which SageMaker reaches {images[0]}; got none"
        )


def _packaged(release: ModelRelease, mark: Mapping[str, str]) -> sagemaker.CfnModel.ContainerDefinitionProperty:
    return sagemaker.CfnModel.ContainerDefinitionProperty(
        model_package_name=release.model_package_arn, environment={**release.environment, **mark} or None
    )


def _definition(
    container: Container, archive: ModelArchive | None, mark: Mapping[str, str]
) -> sagemaker.CfnModel.ContainerDefinitionProperty:
    url = None if archive is None else archive.url
    is_prefix = archive is not None and archive.is_prefix
    return sagemaker.CfnModel.ContainerDefinitionProperty(
        image=container.image_uri,
        image_config=None if container.image_config is None else _image_config(container.image_config),
        container_hostname=container.hostname,
        model_data_url=None if is_prefix else url,
        model_data_source=_below(url) if url is not None and is_prefix else None,
        environment={**container.environment, **mark} or None,
    )


def _below(url: str) -> sagemaker.CfnModel.ModelDataSourceProperty:
    return sagemaker.CfnModel.ModelDataSourceProperty(
        s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
            s3_uri=url, s3_data_type="S3Prefix", compression_type="None"
        )
    )


def _image_config(registry: PrivateRegistry) -> sagemaker.CfnModel.ImageConfigProperty:
    function = registry.credentials
    return sagemaker.CfnModel.ImageConfigProperty(
        repository_access_mode="Vpc",
        repository_auth_config=None
        if function is None
        else sagemaker.CfnModel.RepositoryAuthConfigProperty(repository_credentials_provider_arn=function.function_arn),
    )
