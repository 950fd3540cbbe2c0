"""Which rooms of what runs in AWS know each other, and whether every sentence gets its words."""

import ast
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from rollout import sentences

ROLLOUT = Path(sentences.__file__).parent


def trees(folder: str = "") -> Iterator[tuple[str, ast.Module]]:
    for source in sorted((ROLLOUT / folder).rglob("*.py")):
        yield str(source.relative_to(ROLLOUT)), ast.parse(source.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield every imported name with its module, those for type checking as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_handler_imports_a_handler() -> None:
    """Nor does anything else that runs in AWS."""
    assert {"handlers/panic.py", "handlers/restore.py"} < {path for path, _ in trees("handlers")}
    importing = {path for path, tree in trees() if any(name.startswith("rollout.handlers") for name in imported(tree))}
    assert importing == set()


def test_the_contract_imports_the_standard_library_and_itself() -> None:
    known = [(path, name) for path, tree in trees("contract") for name in imported(tree)]
    assert ("contract/plan.py", "rollout.contract.names.CALLER") in known
    of_the_contract = [each for each in known if each[1].startswith("rollout.contract.")]
    of_python = [each for each in known if each[1].split(".")[0] in sys.stdlib_module_names]
    assert set(known) - {*of_the_contract, *of_python} == set()


def test_every_sentence_gets_exactly_its_words() -> None:
    """`str.format` would fail, or leave a word out, only when the sentence is needed."""
    used = set()
    for path, tree in trees():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for name, given in filled(function):
                assert given == fields(getattr(sentences, name)), f"{name} in {path}"
                used.add(name)
    assert used == {name for name, sentence in vars(sentences).items() if name.isupper() and fields(sentence)}


def fields(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


def filled(function: ast.FunctionDef) -> Iterator[tuple[str, set[str]]]:
    """Yield the sentences that a function fills, each with the names of the words that it gets."""
    dicts = {
        target.id: {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(value=ast.Name("sentences"), attr=name), attr="format")
            ):
                words = [dicts[word.value.id] if word.arg is None else {word.arg} for word in node.keywords]
                yield name, set().union(*words)
