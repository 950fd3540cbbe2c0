"""The published schema of events about rollouts."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import canary_construct

SCHEMA: dict[str, Any] = json.loads(
    (Path(canary_construct.__path__[0]) / "events/rollout-event.v1.schema.json").read_text(encoding="utf-8")
)
_validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def check(source: str, detail_type: str, detail: Any) -> None:
    """Refuse an event that does not fit.

    Raises:
        ValidationError: when it does not.
    """
    _validator.validate({"source": source, "detail-type": detail_type, "detail": detail})
