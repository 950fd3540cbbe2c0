"""CDK's kernel, a process that takes one caller at a time: of two threads, one waits for ever for what the other got.

Whoever synthesises while tests run side by side holds `KERNEL`; who does not is refused.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jsii._kernel.providers.process import _NodeProcess as CdkProcess

KERNEL = threading.RLock()


@contextmanager
def only_for_its_holder() -> Iterator[None]:
    """Refuse a call of CDK by a thread that does not hold `KERNEL`."""
    send = CdkProcess.send

    def send_alone(process: Any, *arguments: Any) -> Any:
        assert KERNEL._is_owned(), "CDK was used without holding KERNEL, beside the threads of other tests"  # type: ignore[attr-defined]
        return send(process, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CdkProcess, "send", send_alone)
        yield
