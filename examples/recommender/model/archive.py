"""A ``model.tar.gz`` in SageMaker's layout, byte for byte the same for the same content.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/adapt-inference-container.html
"""

import gzip
import io
import json
import tarfile
from pathlib import Path

from examples.recommender.model import inference


def pack(model: inference.Model, path: Path) -> None:
    """Write the artefact at the archive's root and the inference code under ``code/``."""
    content = {
        "code/inference.py": Path(inference.__file__).read_bytes(),
        "model.json": json.dumps(model, separators=(",", ":")).encode(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # The time stamp and the file name in gzip's header would make each build differ.
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed,
    ):
        _write_tar(packed, content)


def _write_tar(target: gzip.GzipFile, content: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in sorted(content.items()):
            # A fresh TarInfo has owner 0, mode 644 and the epoch as its time.
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
