"""What the command asks its CDK app to declare; it crosses to the app's process as JSON in the environment."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

VARIABLE = "CANARY_ACCEPTANCE_DECLARATION"
"""The environment variable that holds the declaration."""
STACK_NAME = "CanaryAcceptance"
ENDPOINT_PREFIX = "canary-acceptance-"
ENDPOINT_NAME, STATE_MACHINE, LEDGER = "EndpointName", "StateMachine", "Ledger"
"""Outputs of the stack."""
FIRST_STEP_PERCENT = 50
BAKE_PERIODS = 5
"""The shortest bake that the library takes, in metric periods."""
MIN_REQUESTS = 50


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One release of the endpoint.

    Attributes:
        model_path: a folder that becomes the model's archive, or an archive.
        fail_percent: how many of the visitors' requests the model fails.
        metric_period_seconds: 10, 30 or 60.
        tags: of the stack and of everything in it.
    """

    version: str
    endpoint_name: str
    image_uri: str
    instance_type: str
    model_path: str
    metric_period_seconds: int
    fail_percent: int = 0
    tags: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> str:
        """Return the text that `parse` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Declaration":
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "tags": tuple((name, value) for name, value in fields["tags"])})

    def container_environment(self) -> Mapping[str, str]:
        """Return what the model's container sees.

        The first two say where the image finds the inference code. Source:
        https://github.com/aws/sagemaker-scikit-learn-container (serving.py imports the module that they name)
        """
        return {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "VERSION": self.version,
            "FAIL_PERCENT": str(self.fail_percent),
        }
