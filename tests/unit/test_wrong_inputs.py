"""What does not fit is refused with a sentence, at every public callable."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canary_construct as library
from canary_construct.border.checked import checked
from tests.docs.wrong_inputs import LONGEST, PAGE, WRONG, endpoint, names, page, stack

pytestmark = pytest.mark.xdist_group("wrong inputs")

SENTENCE = "a sentence, and nothing that Python or the CDK says by itself"
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=5),
    st.lists(st.one_of(st.integers(), st.text(max_size=5), st.none()), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.sampled_from([int, object(), stack, library.Gate, library.Slot.A, 10**400, -(10**400)]),
)
NO_ENUMERATION = [name for name in library.__all__ if not hasattr(getattr(library, name), "__members__")]


def callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each public class or function, and each factory of a class."""
    for name in NO_ENUMERATION:
        public = getattr(library, name)
        yield name, public
        factories = (key for key, value in vars(public).items() if isinstance(value, classmethod))
        yield from ((f"{name}.{key}", getattr(public, key)) for key in factories if not key.startswith("_"))


CALLABLES = dict(callables())


def refusal_by(call: Callable[[], object]) -> Exception | None:
    """Return what a call raises, whatever it is."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  # that is asked here
        return error
    return None


def is_sentence(error: Exception) -> bool:
    """Tell whether a person can read this: one line, not too long, of the two kinds that blame the input."""
    said = str(error)
    mentions = any(word in said.lower() for word in ("jsii", "@jsii", "traceback", "nonetype", "javascript"))
    return isinstance(error, TypeError | ValueError) and "\n" not in said and len(said) <= LONGEST and not mentions


def test_the_page_shows_what_each_wrong_input_is_answered_with() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.docs.wrong_inputs > tests/docs/wrong_inputs.md"


def test_every_wrong_input_gets_a_sentence_of_its_own() -> None:
    rows = PAGE.read_text(encoding="utf-8").splitlines()[6:]
    assert len(rows) == len(WRONG) >= 148
    assert [row for row in rows if "⏎" in row or "jsii" in row.lower() or len(row) > LONGEST] == []
    assert [row for row in rows if "| TypeError: " not in row and "| ValueError: " not in row] == []


@pytest.mark.parametrize("name", CALLABLES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_whatever_is_thrown_at_a_public_callable_works_or_is_refused_with_a_sentence(
    name: str, data: st.DataObject
) -> None:
    public = CALLABLES[name]
    called = public.__init__ if isinstance(public, type) else public  # type: ignore[misc]
    parameters = [each for each in inspect.signature(called).parameters.values() if each.name != "self"]
    thrown = {
        each.name: data.draw(ANYTHING, label=each.name)
        for each in parameters
        if each.kind is not each.VAR_POSITIONAL and each.name != "scope" and data.draw(st.booleans())
    }
    scope = [stack()] if "scope" in [each.name for each in parameters] else []
    refusal = refusal_by(lambda: public(*scope, **thrown))
    assert refusal is None or is_sentence(refusal), f"{SENTENCE}, got {type(refusal).__name__}: {refusal}"


@pytest.mark.parametrize("name", NO_ENUMERATION)
def test_every_public_class_and_function_is_checked(name: str) -> None:
    public = getattr(library, name)
    with pytest.raises(TypeError, match=rf"^{name} has no argument colour; it has "):
        public(colour="red")


def test_without_the_check_something_else_answers() -> None:
    plain = inspect.unwrap(library.CanaryEndpoint.__init__)
    made = object.__new__(library.CanaryEndpoint)
    refusal = refusal_by(lambda: plain(made, stack(), "Endpoint", release="v1", instance_type="ml.m5.large"))  # type: ignore[arg-type]
    assert refusal is not None
    assert not is_sentence(refusal)


def test_a_check_knows_types_that_a_module_imports_for_type_checkers_only() -> None:
    with pytest.raises(TypeError, match=r"^target of CanaryEndpoint\.on_rollout_event must be an IRuleTarget"):
        endpoint().on_rollout_event("Told", target="topic")  # type: ignore[arg-type]  # that is the point


def test_what_fits_comes_through_unchanged(tmp_path: Path) -> None:
    @checked()
    def told(first: int, *rest: str, last: float = 0.5) -> tuple[int, tuple[str, ...], float]:
        return first, rest, last

    assert told(1, "a", "b", last=2) == (1, ("a", "b"), 2)
    assert set(names(tmp_path)) >= set(library.__all__)
