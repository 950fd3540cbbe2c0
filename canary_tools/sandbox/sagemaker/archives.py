"""Model archives: fetched from S3, unpacked once, and shared by all instances of the model."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path


class ArchiveError(Exception):
    """The model data cannot be used. The text is SageMaker's `FailureReason`."""


class Archives:
    """Unpacked model archives in a folder.

    Args:
        folder: where archives are unpacked. The caller removes it.
        fetch: returns the object at an `s3://` URL, or `None` if there is none.
        may_read: tells whether a role (its ARN) may read the object at a URL now.
    """

    def __init__(
        self,
        folder: Path,
        fetch: Callable[[str], bytes | None],
        *,
        may_read: Callable[[str, str], bool] = lambda _role, _url: True,
    ) -> None:
        self._folder = folder
        self._fetch = fetch
        self._may_read = may_read
        self._lock = threading.Lock()

    def unpack(self, url: str, *, role: str = "") -> Path:
        """Return the folder with the content of the archive. The same bytes are unpacked only once.

        SageMaker asks the model's role for every new instance. Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html

        Raises:
            ArchiveError: there is no such object, the role may not read it, or it is not a gzipped tar archive.
        """
        packed = self._fetch(url) if self._may_read(role, url) else None
        if packed is None:
            raise ArchiveError(
                f'Failed to download model data from URL: "{url}". Please ensure that there is an object located '
                "at the URL and that the role passed to CreateModel has permissions to download the object."
            )
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
