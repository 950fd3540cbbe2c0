"""The account and region of resources."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """One account in one region: all resources of a model are in it."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of a service.

        >>> Place(account="111122223333", region="eu-west-1").arn("sagemaker", "endpoint/shop")
        'arn:aws:sagemaker:eu-west-1:111122223333:endpoint/shop'
        """
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
