"""Names of SageMaker's resources."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """The account and region in which everything lives."""

    account: str
    region: str

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a `model`, `endpoint-config` or `endpoint`; SageMaker lower-cases the name in it.

        >>> Place(account="111122223333", region="eu-west-1").arn("endpoint", "Shop")
        'arn:aws:sagemaker:eu-west-1:111122223333:endpoint/shop'
        """
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"


def name_in(arn: str) -> str:
    """Return the last part of an ARN, or the text itself if it is a plain name.

    >>> name_in("arn:aws:sagemaker:eu-west-1:111122223333:endpoint/shop")
    'shop'
    """
    return arn.rsplit("/", 1)[-1]
