"""The table of Python, Node.js and CDK says what was seen, and what was not tried."""

import re
from pathlib import Path

import pytest

from tests.packaging.versions import ACKNOWLEDGING, CDKS, EXAMPLES, NODES, PYTHONS, Cell, Failed, compared, page, run

ROOT = Path(__file__).parents[2]
SAME = "9 of 9 same"


def cell(python: str) -> Cell:
    return Cell(
        python=python, cdk="2.190.0", constructs="10.4.2", synthesised=[SAME, SAME], command="runs", tests="98 passed"
    )


def test_a_python_without_a_row_was_not_tried() -> None:
    written = page([cell("3.11.7"), cell("3.13.0")], "Python 3.11.7", command="python -m tests.packaging.versions")
    rows = re.findall(r"^\| (3\.\S+) \| (\S+)", written, re.MULTILINE)
    assert rows == [("3.11.7", "2.190.0"), ("3.13.0", "2.190.0"), ("3.12", "not"), ("3.14", "not")]
    assert "`aws-cdk-lib>=" in written


def test_an_example_that_is_not_the_same_is_named() -> None:
    pinned = {"app": {"Model": {}}, "examples.minimal.app": {"Model": {}}}
    assert compared(pinned | {"app": {}}, pinned) == "1 of 2 same; not app"


def test_a_command_that_fails_is_told_by_its_last_line() -> None:
    with pytest.raises(Failed, match=r"^last$"):
        run(["/bin/bash", "-c", "echo first >&2; echo last >&2; exit 1"])


def test_the_workflow_tries_every_python_that_the_table_has() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert str(list(PYTHONS)).replace("'", '"') in workflow
    assert [node.split(".")[0] for node in NODES] == ["22", "24"]
    assert list(CDKS) == ["lowest", "newest"]


def test_only_examples_that_acknowledge_findings_are_left_out_at_the_lowest_cdk() -> None:
    def acknowledges(module: str) -> bool:
        folder = ROOT / Path(*module.split(".")[:-1])
        return any("Acknowledgment" in file.read_text(encoding="utf-8") for file in folder.glob("*.py"))

    assert (
        tuple(module for module in EXAMPLES if module.startswith("examples.") and acknowledges(module)) == ACKNOWLEDGING
    )
