"""What the rule packs ask for and this stack does otherwise, each with its reason."""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

BY_BOTH = {
    "IAMNoInlinePolicy": (
        "each policy is for the roles of one endpoint's handlers and is deleted with them; a managed policy could be "
        "attached to other roles"
    ),
    "VPCDefaultSecurityGroupClosed": (
        "nothing is in the default group: each function, model and endpoint names its own, and no subnet has a way out"
    ),
}
"""Rules that stand in the packs of HIPAA and PCI alike, by the end of their names."""
BY_HIPAA = {
    "DynamoDBInBackupPlan": (
        "the ledger has point-in-time recovery for 35 days; it holds how rollouts went, and no data of users"
    ),
    "LambdaConcurrency": (
        "a handler that a limit throttles in an incident rolls nothing back; a rollout calls one handler at a time"
    ),
    "LambdaDLQ": (
        "a lost event is made up for by the rule that looks every 15 minutes; EventBridge repeats each call for 6 "
        "hours, and state machine and CloudFormation wait for their answers"
    ),
}


def acknowledge(stack: Stack) -> None:
    """Acknowledge each of these findings wherever it is in the stack."""
    for name, reason in BY_BOTH.items():
        _acknowledge(stack, f"PCI.DSS.321-{name}", reason)
    for name, reason in {**BY_BOTH, **BY_HIPAA}.items():
        _acknowledge(stack, f"HIPAA.Security-{name}", reason)


def _acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    Validations.of(scope).acknowledge(Acknowledgment(id=rule, reason=reason))
