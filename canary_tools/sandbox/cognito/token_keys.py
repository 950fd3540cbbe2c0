"""User pools need keys to sign tokens with.

Gap it fills: without the distribution `cryptography` ministack signs tokens with no key, and every authorizer answers
401 to them. Here such a pool is refused, with the sentence that names the extra.
"""

import importlib
from collections.abc import Callable
from typing import Any

from canary_tools.extras import MissingExtra, need
from canary_tools.sandbox.emulator.patching import Patches

ERROR = "MissingExtra"


def install(*, patches: Patches) -> None:
    """Refuse user pools whose tokens nobody could verify, in the API and in templates."""
    cognito = importlib.import_module("ministack.services.cognito")
    create = _with_keys(cognito._create_user_pool, cognito.error_response_json)  # noqa: SLF001 - all calls pass it
    patches.attribute(cognito, "_create_user_pool", create)


def _with_keys(theirs: Callable[[dict[str, Any]], Any], refuse: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    def create(request: dict[str, Any]) -> Any:
        try:
            need("sandbox", "cryptography")
        except MissingExtra as missing:
            return refuse(ERROR, str(missing), 400)
        return theirs(request)

    return create
