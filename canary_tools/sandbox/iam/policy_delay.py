"""A policy takes effect some seconds after it was put into a role.

Gap it fills: in ministack a policy has its effect at once. IAM's changes become visible everywhere only after a while,
which AWS does not bound. Here each change of an inline policy draws a delay of its own; until then a role may what it
might before. What a template writes into a role itself, and managed policies, take effect at once. So do the policies
of a model's role: SageMaker asks it when an instance has started, which takes minutes in AWS and nothing here.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (changes that I make are not always
immediately visible), https://github.com/aws/aws-cdk/issues/37675, https://github.com/aws/aws-cdk/issues/21332
"""

import importlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from canary_tools.clock import Clock
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import SandboxSettings

Response = tuple[int, dict[str, str], bytes]
Document = Any
_FAILED = 400
_FIRST_RETRY_SECONDS = 60.0
"""Lambda repeats a failed asynchronous invocation after one minute and, once more, after two.

ministack does so after one and two seconds, when a late policy has no effect yet. Source:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""
_MODELS = "sagemaker.amazonaws.com"
"""Who assumes a model's role."""


def install(*, patches: Patches, settings: SandboxSettings, clock: Clock) -> None:
    """Let policies of roles take effect late. It must be installed after everything else that wraps PutRolePolicy."""
    if not settings.policy_delay_seconds:
        return
    iam = importlib.import_module("ministack.services.iam")
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    delays = _Delays(iam, evaluator, settings, clock)
    put = delays.put_role_policy(iam._put_role_policy)  # noqa: SLF001 - all calls pass through it
    patches.attribute(iam, "_put_role_policy", put)
    patches.item(iam._IAM_HANDLERS, "PutRolePolicy", put)  # noqa: SLF001 - its table of operations
    patches.attribute(evaluator, "_gather_role_policies", delays.policies)
    functions = importlib.import_module("ministack.services.lambda_svc")
    patches.attribute(functions, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS", _FIRST_RETRY_SECONDS)
    patches.attribute(functions, "_LAMBDA_ASYNC_RETRY_MAX_SECONDS", 2 * _FIRST_RETRY_SECONDS)


@dataclass(frozen=True, kw_only=True)
class _Pending:
    """A change that has no effect yet: until then the role has the document before, or none."""

    until: float
    before: Document | None


class _Delays:
    """The changes that have no effect yet, by role and policy."""

    def __init__(self, iam: Any, evaluator: Any, settings: SandboxSettings, clock: Clock) -> None:
        self._iam = iam
        self._evaluator = evaluator
        self._longest = settings.policy_delay_seconds
        self._clock = clock
        self._generator = random.Random(settings.seed)  # noqa: S311 - a simulation, not a secret
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], _Pending] = {}

    def put_role_policy(self, theirs: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
        def put(request: dict[str, Any]) -> Response:
            role, policy = self._iam._p(request, "RoleName"), self._iam._p(request, "PolicyName")  # noqa: SLF001
            with self._lock:
                before = self._visible(role).get(policy)
                answer = theirs(request)
                changed = answer[0] < _FAILED and before != self._stored(role).get(policy)
                if changed and _MODELS not in str(self._record(role).get("AssumeRolePolicyDocument")):
                    until = self._clock.now() + self._generator.uniform(0, self._longest)
                    self._pending[role, policy] = _Pending(until=until, before=before)
            return answer

        return put

    def policies(self, role: str, account_id: str) -> list[Any]:
        """Return the statements of the policies of a role that have their effect."""
        with self._lock:
            documents = list(self._visible(role).values())
        managed = (
            self._evaluator._resolve_managed_policy_document(arn, account_id)  # noqa: SLF001 - what it does itself
            for arn in self._record(role).get("AttachedPolicies", [])
        )
        parsed = [self._evaluator.parse_policy_document(one) for one in [*documents, *managed] if one]
        return [statements for statements in parsed if statements]

    def _record(self, role: str) -> dict[str, Any]:
        return self._iam._roles.get(role) or {}  # noqa: SLF001 - its state

    def _stored(self, role: str) -> dict[str, Document]:
        return dict(self._record(role).get("InlinePolicies") or {})

    def _visible(self, role: str) -> dict[str, Document]:
        now = self._clock.now()
        self._pending = {key: pending for key, pending in self._pending.items() if pending.until > now}
        stored = self._stored(role)
        late = {name: self._pending[role, name].before for name in stored if (role, name) in self._pending}
        return {name: document for name, document in {**stored, **late}.items() if document is not None}
