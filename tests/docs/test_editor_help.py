"""An editor shows a line for each argument of everything public, with its unit, range and default."""

import ast

import pytest

import canary_construct
from tests.docs.editor_help import (
    Shown,
    constructs,
    docstring_of_init,
    explained,
    init,
    line_of_pyright,
    shown,
)

SHOWN = shown()


def test_everything_public_is_looked_at() -> None:
    titles = {each.title.partition(".")[0] for each in SHOWN}
    enums = {"CaptureMode", "MetricStatistic", "RoutingStrategy", "Slot", "Weekday"}
    assert titles == set(canary_construct.__all__) - enums


@pytest.mark.parametrize("each", SHOWN, ids=lambda each: each.title)
def test_each_argument_has_a_line_and_no_other_has(each: Shown) -> None:
    assert explained(each.docstring) == each.parameters


@pytest.mark.parametrize("each", SHOWN, ids=lambda each: each.title)
def test_the_line_of_an_argument_is_the_one_that_is_shown_while_it_is_typed(each: Shown) -> None:
    for name in each.parameters:
        assert (line_of_pyright(each.docstring, name) or "").startswith(f"{name}: ")


@pytest.mark.parametrize("construct", constructs(), ids=lambda construct: construct.name)
def test_a_constructor_says_the_same_as_its_class(construct: ast.ClassDef) -> None:
    own = init(construct)
    assert own is not None
    assert ast.get_docstring(own) == docstring_of_init(construct).rstrip(), "run python -m tests.docs.editor_help"


def test_a_line_that_speaks_of_an_argument_before_its_own_is_found() -> None:
    docstring = "Do it.\n\nFor the role: none.\n\nArgs:\n    role: of it\n"
    assert line_of_pyright(docstring, "role") == "For the role: none."
    assert line_of_pyright(docstring, "key") is None
