"""How large the policies of a role may be.

Gap it fills: ministack takes policies of any size, and any number of them. IAM counts the characters of a document
without white space: 10,240 for all inline policies of a role together, 6,144 for a managed policy, of which a role may
have ten. Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html; the sentences are from
https://github.com/aws/aws-cdk/issues/12403, https://github.com/aws-cloudformation/cfn-lint/issues/3804 and
https://github.com/aws/aws-cdk/issues/9316.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

INLINE_CHARACTERS = 10_240
MANAGED_CHARACTERS = 6_144
MANAGED_POLICIES = 10

Response = tuple[int, dict[str, str], bytes]
Answering = Callable[[dict[str, Any]], Response]


def characters(document: Any) -> int:
    r"""Return the length of a policy document as IAM counts it.

    >>> characters('{"Version": "2012-10-17",\n "Statement": []}')
    39
    """
    text = document if isinstance(document, str) else json.dumps(document)
    return len("".join(text.split()))


def install(*, patches: Patches) -> None:
    """Refuse policies that are too large, in the API and in templates."""
    iam = importlib.import_module("ministack.services.iam")
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    sizes = _PolicySizes(iam)
    for name, wrapped in {
        "PutRolePolicy": sizes.put_role_policy(iam._put_role_policy),  # noqa: SLF001 - all calls pass through it
        "CreatePolicy": sizes.taking_managed(iam._create_policy),  # noqa: SLF001
        "CreatePolicyVersion": sizes.taking_managed(iam._create_policy_version),  # noqa: SLF001
        "AttachRolePolicy": sizes.attach_role_policy(iam._attach_role_policy),  # noqa: SLF001
    }.items():
        patches.item(iam._IAM_HANDLERS, name, wrapped)  # noqa: SLF001 - its table of operations
    patches.attribute(iam, "_put_role_policy", iam._IAM_HANDLERS["PutRolePolicy"])  # noqa: SLF001
    patches.attribute(iam, "attach_managed_policy", sizes.attach_managed_policy(iam.attach_managed_policy))
    patches.attribute(iam, "store_policy", sizes.store_policy(iam.store_policy))
    role = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]  # noqa: SLF001 - a role's own policies pass no operation
    for change, properties in {"create": 1, "update": 2}.items():
        patches.item(role, change, _checked(role[change], properties))


class _PolicySizes:
    """Wrappers of ministack's functions. Each takes the function that it replaces."""

    def __init__(self, iam: Any) -> None:
        self._iam = iam

    def put_role_policy(self, theirs: Answering) -> Answering:
        def put(request: dict[str, Any]) -> Response:
            name = self._member(request, "RoleName")
            role = self._iam._roles.get(name)  # noqa: SLF001 - its state
            if role is not None:
                document = self._member(request, "PolicyDocument")
                policies = {**role["InlinePolicies"], self._member(request, "PolicyName"): document}
                if sum(map(characters, policies.values())) > INLINE_CHARACTERS:
                    return self._refused(_too_much_inline(name))
            return theirs(request)

        return put

    def taking_managed(self, theirs: Answering) -> Answering:
        def take(request: dict[str, Any]) -> Response:
            if characters(self._member(request, "PolicyDocument")) > MANAGED_CHARACTERS:
                return self._refused(_TOO_LARGE)
            return theirs(request)

        return take

    def attach_role_policy(self, theirs: Answering) -> Answering:
        def attach(request: dict[str, Any]) -> Response:
            role = self._iam._roles.get(self._member(request, "RoleName"))  # noqa: SLF001 - its state
            if role is not None and _is_full(role, self._member(request, "PolicyArn")):
                return self._refused(_TOO_MANY)
            return theirs(request)

        return attach

    @staticmethod
    def attach_managed_policy(theirs: Callable[[dict[str, Any], str], None]) -> Callable[[dict[str, Any], str], None]:
        def attach(entity: dict[str, Any], policy_arn: str) -> None:
            if _is_full(entity, policy_arn):
                raise ValueError(_TOO_MANY)
            theirs(entity, policy_arn)

        return attach

    @staticmethod
    def store_policy(theirs: Callable[..., Any]) -> Callable[..., Any]:
        def store(arn: str, name: str, path: str, document: Any, **rest: Any) -> Any:
            if characters(document) > MANAGED_CHARACTERS:
                raise ValueError(_TOO_LARGE)
            return theirs(arn, name, path, document, **rest)

        return store

    def _refused(self, message: str) -> Response:
        response: Response = self._iam._error(409, "LimitExceeded", message)  # noqa: SLF001 - its error answer
        return response

    def _member(self, request: Mapping[str, Any], name: str) -> str:
        return str(self._iam._p(request, name))  # noqa: SLF001 - how it reads a request


_TOO_LARGE = f"Cannot exceed quota for PolicySize: {MANAGED_CHARACTERS}"
_TOO_MANY = f"Cannot exceed quota for PoliciesPerRole: {MANAGED_POLICIES}"


def _too_much_inline(role: str) -> str:
    return f"Maximum policy size of {INLINE_CHARACTERS} bytes exceeded for role {role}"


def _is_full(entity: Mapping[str, Any], policy_arn: str) -> bool:
    attached = entity.get("AttachedPolicies", [])
    return policy_arn not in attached and len(attached) >= MANAGED_POLICIES


def _checked(theirs: Callable[..., Any], properties: int) -> Callable[..., Any]:
    """Check the policies that a template puts into a role itself; `properties` is where the function takes them."""

    def change(*arguments: Any) -> Any:
        declared = arguments[properties]
        if sum(characters(one.get("PolicyDocument", {})) for one in declared.get("Policies", [])) > INLINE_CHARACTERS:
            raise ValueError(_too_much_inline(declared.get("RoleName") or str(arguments[0])))
        return theirs(*arguments)

    return change
