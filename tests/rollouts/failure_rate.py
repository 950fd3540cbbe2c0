"""A file that says which share of the requests a running model fails; the model reads it at every request."""

from pathlib import Path


def set_failure_rate(file: Path, rate: float) -> None:
    """Let every model that reads ``file`` fail this share of its requests, from 0 to 1.

    The file comes whole: a model that read it half written would fail without naming its release.
    """
    written = file.with_suffix(".new")
    written.write_text(str(rate), encoding="utf-8")
    written.replace(file)
