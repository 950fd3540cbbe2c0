"""The image that AWS publishes for scikit-learn models, by region.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
"""

from collections.abc import Mapping

from canary_tools.acceptance.account import Account, CannotStart

REGISTRIES: Mapping[str, str] = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}
"""Accounts of AWS that hold the image."""
_NAME = "sagemaker-scikit-learn:1.2-1-cpu-py3"


def image_uri(account: Account) -> str:
    """Return the image's URI in the account's region.

    Raises:
        CannotStart: it is not known where the region has the image.
    """
    registry = REGISTRIES.get(account.region)
    if registry is None:
        raise CannotStart(f"no scikit-learn image of SageMaker is known in {account.region}: choose another --region")
    return f"{registry}.dkr.ecr.{account.region}.amazonaws.com/{_NAME}"
