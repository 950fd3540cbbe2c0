"""ARNs of SageMaker resources."""

from canary_tools.aws_models.api.place import Place


def sagemaker_arn(place: Place, kind: str, name: str) -> str:
    """Return the ARN of a `model`, `endpoint-config` or `endpoint`. SageMaker writes the name in lower case.

    >>> sagemaker_arn(Place(account="111122223333", region="eu-west-1"), "endpoint", "Shop")
    'arn:aws:sagemaker:eu-west-1:111122223333:endpoint/shop'
    """
    return place.arn("sagemaker", f"{kind}/{name.lower()}")


def name_in(arn: str) -> str:
    """Return the name at the end of an ARN. A plain name is returned as it is.

    >>> name_in("arn:aws:sagemaker:eu-west-1:111122223333:endpoint/shop")
    'shop'
    """
    return arn.rsplit("/", 1)[-1]
