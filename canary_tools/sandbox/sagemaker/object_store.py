"""Reads model data from the emulator's S3, and writes captured data."""

import importlib
from urllib.parse import unquote, urlsplit

from canary_tools.aws_models.api.place import Place
from canary_tools.sandbox.iam.permissions import role_may


def fetch_object(place: Place, url: str) -> bytes | None:
    """Return the object at an `s3://` URL, or `None` if there is none.

    It does not use the S3 API, which refuses calls without credentials when IAM is enforced.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return None
    store = importlib.import_module("ministack.services.s3")
    responses = importlib.import_module("ministack.core.responses")
    with responses.request_scope(place.account, place.region):
        content: bytes | None = store._get_object_data(parts.netloc, unquote(parts.path.removeprefix("/")))  # noqa: SLF001 - ministack's Lambda reads code so
    return content


def store_object(place: Place, url: str, content: bytes) -> None:
    """Store an object under an `s3://` URL; without such a bucket nothing happens."""
    parts = urlsplit(url)
    store = importlib.import_module("ministack.services.s3")
    responses = importlib.import_module("ministack.core.responses")
    with responses.request_scope(place.account, place.region):
        store._put_object(parts.netloc, unquote(parts.path.removeprefix("/")), content, {})  # noqa: SLF001 - as above


def may_write_object(role_arn: str, url: str) -> bool:
    """Tell whether the policies of a role allow it to write the object at an `s3://` URL."""
    return role_may(role_arn, "s3:PutObject", f"arn:aws:s3:::{url.removeprefix('s3://')}", session="SageMaker")


def objects_below(place: Place, url: str) -> list[str]:
    """Return the URLs of all objects whose URL begins with this one."""
    parts = urlsplit(url)
    store = importlib.import_module("ministack.services.s3")
    responses = importlib.import_module("ministack.core.responses")
    with responses.request_scope(place.account, place.region):
        bucket = store._buckets.get(parts.netloc)  # noqa: SLF001 - as for one object
        keys = () if bucket is None else sorted(bucket["objects"])
    prefix = unquote(parts.path.removeprefix("/"))
    return [f"s3://{parts.netloc}/{key}" for key in keys if key.startswith(prefix)]


def may_list_bucket(role_arn: str, url: str) -> bool:
    """Tell whether the policies of a role allow it to list the bucket of an `s3://` URL."""
    bucket = urlsplit(url).netloc
    return role_may(role_arn, "s3:ListBucket", f"arn:aws:s3:::{bucket}", session="SageMaker")


def may_read_object(role_arn: str, url: str) -> bool:
    """Tell whether the policies of a role allow it to read the object at an `s3://` URL."""
    return role_may(role_arn, "s3:GetObject", f"arn:aws:s3:::{url.removeprefix('s3://')}", session="SageMaker")
