import gzip
import os
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from canary_construct.hosting.model_archive import _content_hash, packed

FILES = {"model.bin": b"\x00\x01" * 1000, "code/inference.py": b"def model_fn(path): ...\n", "code/empty": b""}


def model_folder(folder: Path, files: dict[str, bytes], *, modified_at: int = 1) -> str:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (modified_at, modified_at))
    return str(folder)


def pack(path: str) -> bytes:
    with packed(path) as archive:
        return archive.read_bytes()


def test_a_folder_packs_to_the_same_bytes_whenever_and_wherever_it_was_written(tmp_path: Path) -> None:
    reverse = dict(reversed(FILES.items()))
    here = model_folder(tmp_path / "here", FILES)
    there = model_folder(tmp_path / "there", reverse, modified_at=1_700_000_000)
    (Path(there) / "model.bin").chmod(0o600)
    assert pack(here) == pack(there)


@given(st.sampled_from(sorted(FILES)), st.binary(min_size=1, max_size=20))
@settings(max_examples=15)  # every example writes two folders
def test_any_other_content_packs_to_another_archive(name: str, content: bytes) -> None:

    with tempfile.TemporaryDirectory() as folder:
        before = model_folder(Path(folder) / "before", FILES)
        after = model_folder(Path(folder) / "after", {**FILES, name: FILES[name] + content})
        assert pack(before) != pack(after)


def test_an_archive_holds_the_folder_as_sagemaker_unpacks_it(tmp_path: Path) -> None:
    with packed(model_folder(tmp_path / "model", FILES)) as archive, tarfile.open(archive) as tar:
        assert sorted(tar.getnames()) == ["code", "code/empty", "code/inference.py", "model.bin"]
        tar.extractall(tmp_path / "opt", filter="data")
    assert {name: (tmp_path / "opt" / name).read_bytes() for name in FILES} == FILES


def test_nothing_is_left_behind_after_packing(tmp_path: Path) -> None:
    with packed(model_folder(tmp_path / "model", FILES)) as archive:
        assert archive.exists()
    assert not archive.parent.exists()


def test_the_hash_is_of_what_is_inside_not_of_how_it_was_compressed(tmp_path: Path) -> None:

    with packed(model_folder(tmp_path / "model", FILES)) as archive:
        again = tmp_path / "again.tar.gz"
        again.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()), compresslevel=1))
        assert again.read_bytes() != archive.read_bytes()
        assert _content_hash(again) == _content_hash(archive)
