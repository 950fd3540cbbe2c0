"""CDK's kernel, a process that takes one caller at a time: of two threads, one waits for ever for what the other got.

Each call takes its turn, since even a prop of the library asks CDK whether a text is a token. A synthesis, in which CDK
calls Python back between two calls, holds `KERNEL` from its beginning to its end.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jsii._kernel.providers.process import _NodeProcess as CdkProcess

KERNEL = threading.RLock()


@contextmanager
def taking_turns() -> Iterator[None]:
    """Let the threads of this process use CDK one after the other."""
    send = CdkProcess.send

    def send_in_turn(process: Any, *arguments: Any) -> Any:
        with KERNEL:
            return send(process, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CdkProcess, "send", send_in_turn)
        yield
