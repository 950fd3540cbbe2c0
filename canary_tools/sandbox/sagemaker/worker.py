"""The program of one instance: it loads a model's `code/inference.py` and answers requests, one at a time.

It runs as `python -P worker.py <socket descriptor> <model folder>`. It takes the place of the container, so it imports
nothing of this repository. The four functions are those of the SageMaker inference toolkit:
https://docs.aws.amazon.com/sagemaker/latest/dg/adapt-inference-container.html
"""

import importlib
import json
import os
import socket
import struct
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

JSON = "application/json"
_HEADER = struct.Struct(">II")


class UnsupportedContentType(Exception):
    """The default functions read and write only JSON."""

    status_code = 415


def send(channel: socket.socket, fields: dict[str, Any], body: bytes = b"") -> None:
    """Write one frame: lengths, JSON fields, body."""
    head = json.dumps(fields).encode()
    channel.sendall(_HEADER.pack(len(head), len(body)) + head + body)


def receive(channel: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """Read one frame. Return `None` if the other side has closed the connection."""
    lengths = _exactly(channel, _HEADER.size)
    if lengths is None:
        return None
    head_length, body_length = _HEADER.unpack(lengths)
    head, body = _exactly(channel, head_length), _exactly(channel, body_length)
    return None if head is None or body is None else (json.loads(head), body)


def _exactly(channel: socket.socket, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(min(length - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _read_json(body: bytes, content_type: str) -> Any:
    if content_type.split(";", maxsplit=1)[0].strip() != JSON:
        raise UnsupportedContentType(f"content type must be {JSON}, got {content_type}")
    return json.loads(body)


def _write_json(prediction: object, accept: str) -> tuple[str, str]:
    if accept.split(";", maxsplit=1)[0].strip() not in (JSON, "*/*", ""):
        raise UnsupportedContentType(f"accept must be {JSON}, got {accept}")
    return json.dumps(prediction), JSON


def _predict(data: object, model: object) -> object:
    return model(data)  # type: ignore[operator]  # a model without predict_fn must be callable


def load(model_folder: Path) -> tuple[ModuleType, object]:
    """Import the inference code and load its model."""
    sys.path.insert(0, str(model_folder / "code"))
    program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
    module = importlib.import_module(Path(program).stem)
    model_fn = getattr(module, "model_fn", None)
    return module, model_fn(str(model_folder)) if model_fn is not None else None


def answer(module: ModuleType, model: object, fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Run one request through the four functions."""
    read = getattr(module, "input_fn", _read_json)
    predict = getattr(module, "predict_fn", _predict)
    write = getattr(module, "output_fn", _write_json)
    accept = fields["accept"]
    try:
        prediction = predict(read(body, fields["content_type"]), model)
        written = write(prediction, accept)
    except Exception as error:  # noqa: BLE001 - any exception of the model becomes an error answer
        status = int(getattr(error, "status_code", 500))
        return {"status": status, "content_type": "text/plain"}, _sentence(error).encode()
    content, content_type = written if isinstance(written, tuple) else (written, accept)
    return {"status": 200, "content_type": content_type}, _encoded(content)


def _encoded(content: object) -> bytes:
    return bytes(content) if isinstance(content, (bytes, bytearray)) else str(content).encode()


def _sentence(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def main() -> None:
    """Load the model, report whether that worked, and answer requests until the connection is closed."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        module, model = load(Path(sys.argv[2]))
    except Exception as error:  # noqa: BLE001 - the model's own code
        send(channel, {"ready": False, "error": _sentence(error)})
        return
    send(channel, {"ready": True})
    while (request := receive(channel)) is not None:
        send(channel, *answer(module, model, *request))


if __name__ == "__main__":
    main()
