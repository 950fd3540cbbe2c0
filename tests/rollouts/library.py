"""Another version of this library: what a team gets that upgrades it while a rollout runs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import rollout
from rollout.contract.plan import SCHEMA

PROMOTED_BY_NEXT = "every step passed, says the next library"
_STATES = {'\\"Bake\\"': '\\"WatchTraffic\\"'}
"""A state of the definition that has another name in the next library, as a template writes it."""


@contextmanager
def next_library(folder: Path, *, schema: int) -> Iterator[None]:
    """Synthesise with handlers of another version, whose payloads have this schema."""
    handlers = folder / f"handlers-{schema}"
    package = handlers / "rollout"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(rollout.__file__).parent, package, ignore=ignore, dirs_exist_ok=True)
    _replace(package / "sentences.py", '"every step passed"', f'"{PROMOTED_BY_NEXT}"')
    if schema != SCHEMA:
        _replace(package / "contract" / "plan.py", f"SCHEMA = {SCHEMA}", f"SCHEMA = {schema}")
    with (
        patch("canary_construct.handlers.shipped_code.rollout.__file__", str(package / "__init__.py")),
        patch("rollout.contract.plan.SCHEMA", schema),
    ):
        yield


def with_other_states(template: str) -> str:
    """Return a template whose state machine looks otherwise and does the same."""
    for name, other in _STATES.items():
        assert name in template, f"the state machine has no state {name} any more"
        template = template.replace(name, other)
    return template


def _replace(module: Path, before: str, after: str) -> None:
    text = module.read_text(encoding="utf-8")
    assert before in text, f"{module.name} does not say {before} any more"
    module.write_text(text.replace(before, after), encoding="utf-8")
