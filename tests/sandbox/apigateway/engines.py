"""The engines that render mapping templates: the local AWS's own, and Apache Velocity where it is installed."""

import os
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canary_tools.sandbox.apigateway.velocity import Input, render

PROGRAM = Path(__file__).with_name("Render.java")
DEBIAN = ("velocity", "commons-lang", "commons-collections")
"""The jars that Debian's package `velocity` installs and needs."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a template is rendered from."""

    headers: Mapping[str, str]
    variables: Mapping[str, str]
    body: str = "{}"


Rendering = tuple[str, Mapping[str, str]]
"""The body, and the headers that the template overrides."""
Engine = Callable[[str, Sequence[Request]], list[Rendering]]


def own(template: str, requests: Sequence[Request]) -> list[Rendering]:
    """Render as the local AWS does."""
    found = [
        render(template, source=Input(request.body, request.headers), stage_variables=request.variables, context={})
        for request in requests
    ]
    return [(rendered.body, dict(rendered.request_headers)) for rendered in found]


def velocity(template: str, requests: Sequence[Request]) -> list[Rendering]:
    """Render with Apache Velocity, all requests in one Java process."""
    lines = [
        " ".join(map(_encoded, (template, request.body, _lines(request.headers), _lines(request.variables))))
        for request in requests
    ]
    answered = subprocess.run(  # noqa: S603 - the classpath is the developer's own
        ["java", "-cp", classpath(), str(PROGRAM)],  # noqa: S607 - as above
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return [_rendering(line) for line in answered.stdout.splitlines()]


def classpath() -> str:
    """Return where Velocity is: `VELOCITY_CLASSPATH`, or Debian's jars; empty where it is not installed."""
    jars = [Path(f"/usr/share/java/{name}.jar") for name in DEBIAN]
    debian = ":".join(map(str, jars)) if all(jar.exists() for jar in jars) else ""
    return os.environ.get("VELOCITY_CLASSPATH", debian) if shutil.which("java") else ""


def engines() -> list[Engine]:
    """Return the engines of this machine."""
    return [own, velocity] if classpath() else [own]


def _rendering(line: str) -> Rendering:
    body, headers = (b64decode(part).decode() for part in line.split(" "))
    lines = headers.splitlines()
    return body, dict(zip(lines[::2], lines[1::2], strict=True))


def _lines(texts: Mapping[str, str]) -> str:
    return "\n".join(part for pair in texts.items() for part in pair)


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
