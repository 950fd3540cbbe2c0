import os
from pathlib import Path

from canary_tools.rehearsal.services.packaged_code import module, packaged_code


def pack(folder: Path, *, answer: int, changed_at: int) -> None:
    package = folder / "rollout"
    package.mkdir(exist_ok=True)
    for name, text in (("__init__.py", ""), ("answers.py", f"ANSWER = {answer}\n")):
        (package / name).write_text(text, encoding="utf-8")
        os.utime(package / name, ns=(changed_at, changed_at))


def imported(folder: Path) -> object:
    with packaged_code(folder):
        return module("rollout.answers")


def test_what_was_packed_is_imported_once(tmp_path: Path) -> None:
    pack(tmp_path, answer=1, changed_at=1)
    assert imported(tmp_path) is imported(tmp_path)


def test_changed_files_are_imported_anew(tmp_path: Path) -> None:
    pack(tmp_path, answer=1, changed_at=1)
    imported(tmp_path)
    pack(tmp_path, answer=2, changed_at=2)
    with packaged_code(tmp_path):
        assert module("rollout.answers").ANSWER == 2


def test_two_packages_are_kept_apart(tmp_path: Path) -> None:
    for name, answer in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        pack(tmp_path / name, answer=answer, changed_at=1)
    for name, answer in (("one", 1), ("two", 2), ("one", 1)):
        with packaged_code(tmp_path / name):
            assert answer == module("rollout.answers").ANSWER
