"""What the front door answers: every outcome of InvokeEndpoint keeps its meaning.

| SageMaker | front door | meaning |
|---|---|---|
| 2XX | 200 | the model's answer |
| 400 | 400, or 429 when it says that it throttles | the request cannot be served |
| 413 | 413 | the body is over SageMaker's limit |
| 424 | 424 | the model failed: its own status and words are in the body |
| 429 | 429 | the model is not ready, or too many requests |
| 5XX | 503 | SageMaker has no instance or a fault of its own: try again |
| anything else | 500 | the front door is not set up right, such as a role without its permission |

Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors
(400, 424, 429, 5XX), https://github.com/aws/sagemaker-python-sdk/issues/171 (413),
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html
(an AWS integration selects its response by the status).
"""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway

from canary_construct.front_door.stage import RELEASES
from canary_construct.front_door.templates import error_body, model_error_template, refusal_template

VARIANT_HEADER = "X-Canary-Variant"
RELEASE_HEADER = "X-Canary-Release"
_INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"
_JSON = "application/json"
_ERRORS = (
    ("400", "400", refusal_template()),
    ("413", "413", error_body("PayloadTooLarge", "SageMaker takes bodies of at most 6 MB")),
    ("424", "424", model_error_template()),
    ("429", "429", error_body("TooManyRequests", "the endpoint is busy: send the request again later")),
    ("5[0-9][0-9]", "503", error_body("ServiceUnavailable", "SageMaker cannot serve now: send the request again")),
    (None, "500", error_body("InternalError", "the endpoint could not be called")),
)


def integration_responses() -> list[apigateway.IntegrationResponse]:
    """Return how SageMaker's answers become the front door's.

    No template touches an answer of the model, which may be binary; which variant gave it is in a header that a
    template cannot read. So the header with the releases names both, by variant.
    """
    answer = apigateway.IntegrationResponse(
        status_code="200",
        selection_pattern="2[0-9][0-9]",
        response_parameters={
            **_naming(),
            "method.response.header.Content-Type": "integration.response.header.Content-Type",
        },
    )
    errors = [
        apigateway.IntegrationResponse(
            status_code=status,
            selection_pattern=pattern,
            content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
            response_parameters=_naming(),
            response_templates={_JSON: template},
        )
        for pattern, status, template in _ERRORS
    ]
    return [answer, *errors]


def method_responses() -> list[apigateway.MethodResponse]:
    """Return every status that the method may answer, with its headers."""
    headers = dict.fromkeys(_naming(), True)
    answer = apigateway.MethodResponse(
        status_code="200", response_parameters={**headers, "method.response.header.Content-Type": True}
    )
    return [
        answer,
        *(apigateway.MethodResponse(status_code=status, response_parameters=headers) for _, status, _ in _ERRORS),
    ]


def _naming() -> dict[str, str]:
    return {
        f"method.response.header.{VARIANT_HEADER}": f"integration.response.header.{_INVOKED_VARIANT}",
        f"method.response.header.{RELEASE_HEADER}": f"stageVariables.{RELEASES}",
    }
