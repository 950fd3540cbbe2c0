"""The SageMaker model of the newest release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker

from canary_construct.hosting.overridden import Model
from canary_construct.hosting.replaced import keep_replaced

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from canary_construct.hosting.hosting import Hosting
    from canary_construct.hosting.model_archive import ModelArchive
    from canary_construct.props.model_release import ModelRelease


def model(
    scope: Construct, hosting: Hosting, *, release: ModelRelease, archive: ModelArchive | None, role: iam.IRole
) -> Model:
    """Declare the model. CloudFormation keeps the ones it replaces: a slot may still serve them."""
    resource = Model(
        scope,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=release.image_uri,
            model_data_url=None if archive is None else archive.url,
            environment=dict(release.environment) or None,
        ),
        enable_network_isolation=hosting.network_isolation or None,
        vpc_config=hosting.vpc_config,
        tags=hosting.tags(),
    )
    resource.node.add_dependency(role)
    return keep_replaced(resource)
