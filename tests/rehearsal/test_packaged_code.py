import os
from pathlib import Path
from typing import Any

import pytest
from rollout import clock

from canary_tools.rehearsal.services.packaged_code import PackagedCode


def pack(folder: Path, *, answer: int, changed_at: int) -> None:
    package = folder / "rollout"
    package.mkdir(exist_ok=True)
    for name, text in (("__init__.py", ""), ("answers.py", f"ANSWER = {answer}\n")):
        (package / name).write_text(text, encoding="utf-8")
        os.utime(package / name, ns=(changed_at, changed_at))


def imported(folder: Path) -> Any:
    return PackagedCode().module(folder, "rollout.answers")


def test_what_was_packed_is_imported_once(tmp_path: Path) -> None:
    pack(tmp_path, answer=1, changed_at=1)
    assert imported(tmp_path) is imported(tmp_path)


def test_changed_files_are_imported_anew(tmp_path: Path) -> None:
    pack(tmp_path, answer=1, changed_at=1)
    imported(tmp_path)
    pack(tmp_path, answer=2, changed_at=2)
    assert imported(tmp_path).ANSWER == 2


def test_the_packages_of_two_functions_are_kept_apart(tmp_path: Path) -> None:
    for name, answer in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        pack(tmp_path / name, answer=answer, changed_at=1)
    code = PackagedCode()
    for name, answer in (("one", 1), ("two", 2), ("one", 1)):
        assert answer == code.module(tmp_path / name, "rollout.answers").ANSWER


def test_what_a_folder_lacks_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    pack(tmp_path, answer=1, changed_at=1)
    with pytest.raises(ImportError, match="clock"):
        PackagedCode().module(tmp_path, "rollout.clock")


def test_what_was_not_packed_is_taken_as_it_is_installed_and_apart_from_what_the_tools_import() -> None:
    installed = PackagedCode().module(None, "rollout.clock")
    assert installed.__file__ == clock.__file__
    assert installed is not clock
