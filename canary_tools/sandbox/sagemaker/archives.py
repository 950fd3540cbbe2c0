"""Model data: fetched from S3, unpacked or copied once, and shared by all instances of the model."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_NO_NAMES = frozenset({"", ".", ".."})
"""Of files and folders of uncompressed model data. Source: API_S3ModelDataSource.html, as below."""


class ArchiveError(Exception):
    """The model data cannot be used. The text is SageMaker's `FailureReason`."""


class Archives:
    """Model data in a folder.

    Args:
        folder: where archives are unpacked. The caller removes it.
        fetch: returns the object at an `s3://` URL, or `None` if there is none.
        below: returns the URLs of all objects that begin with an `s3://` URL.
        may_read: tells whether a role (its ARN) may read the object at a URL now.
        may_list: tells whether a role may list the bucket of a URL now.
    """

    def __init__(
        self,
        folder: Path,
        fetch: Callable[[str], bytes | None],
        *,
        below: Callable[[str], Sequence[str]] = lambda _url: (),
        may_read: Callable[[str, str], bool] = lambda _role, _url: True,
        may_list: Callable[[str, str], bool] = lambda _role, _url: True,
    ) -> None:
        self._folder = folder
        self._fetch = fetch
        self._below = below
        self._may_read = may_read
        self._may_list = may_list
        self._lock = threading.Lock()

    def folder_of(self, container: Mapping[str, Any], *, role: str) -> Path:
        """Return the folder with the model data of a container, in the form of `CreateModel`.

        Raises:
            ArchiveError: the data is not there, may not be read, or is not what the container says.
        """
        source = container.get("ModelDataSource", {}).get("S3DataSource")
        if source is not None:
            return self.copy(source["S3Uri"], role=role)
        return self.unpack(container.get("ModelDataUrl", ""), role=role)

    def copy(self, prefix: str, *, role: str = "") -> Path:
        """Return the folder with all objects below an `s3://` URL that ends with a slash, as they are.

        Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html; that a role must
        list: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

        Raises:
            ArchiveError: nothing is there, or the role may not list or read it.
        """
        urls = self._below(prefix) if self._may_list(role, prefix) else ()
        objects = {url: self._fetch(url) for url in urls if self._may_read(role, url)}
        found = {url.removeprefix(prefix): content for url, content in objects.items() if content is not None}
        if not found or len(found) < len(urls):
            raise _not_downloaded(prefix)
        if any(part in _NO_NAMES for name in found for part in name.split("/")):
            raise ArchiveError(f'Model data below "{prefix}" has a name that no file can have.')
        target = self._folder / hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
        with self._lock:
            if not target.exists():
                _write(found, target.with_suffix(".part")).rename(target)
        return target

    def unpack(self, url: str, *, role: str = "") -> Path:
        """Return the folder with the content of the archive. The same bytes are unpacked only once.

        SageMaker asks the model's role for every new instance. Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html

        Raises:
            ArchiveError: there is no such object, the role may not read it, or it is not a gzipped tar archive.
        """
        packed = self._fetch(url) if self._may_read(role, url) else None
        if packed is None:
            raise _not_downloaded(url)
        target = self._folder / hashlib.sha256(packed).hexdigest()
        with self._lock:
            if not target.exists():
                self._extract(packed, target, url)
        return target

    def _extract(self, packed: bytes, target: Path, url: str) -> None:
        unfinished = target.with_suffix(".part")
        try:
            with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
                archive.extractall(unfinished, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ArchiveError(
                f'Failed to extract model data archive from URL: "{url}". The model data archive must be a '
                f"valid tar.gz file: {error}"
            ) from error
        unfinished.rename(target)


def _write(contents: Mapping[str, bytes], folder: Path) -> Path:
    for name, content in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def _not_downloaded(url: str) -> ArchiveError:
    return ArchiveError(
        f'Failed to download model data from URL: "{url}". Please ensure that there is an object located '
        "at the URL and that the role passed to CreateModel has permissions to download the object."
    )
