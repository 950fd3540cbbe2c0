"""The mapping templates of the front door, in API Gateway's Velocity dialect.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
(`$input`, `$stageVariables`),
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
(`$context.requestOverride`: a parameter may be overridden once, else the caller gets a 5XX).
Not tried on a live account.
"""

from __future__ import annotations

from rollout.contract.stage_variables import BUCKETS, HEADER, NONE, VALUES, VARIANT

TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""


FORWARDED = ("Content-Type", "Accept")
"""The only headers of a caller that reach SageMaker. The header that chooses a variant is not one of them.

API Gateway maps a header by its exact name, and HTTP/2 sends names in lower case.
Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""


def invocation_template() -> str:
    """Return the template of a text body: it sends a request that matches the cohort's rule to the canary.

    Everything else has no target, so that SageMaker follows the weights. The headers for SageMaker that do not come in
    the case that parameter mapping knows are handed on here. Header names are compared in lower case,
    since API Gateway keeps the case in which a client sent them. Buckets are compared as texts of four digits. It
    renders nothing of its own, not even a line break: the body arrives byte by byte.
    """
    return "".join(
        (
            f'#set($target = "{NONE}")',
            "#foreach($name in $input.params().header.keySet())",
            *(_forwarded_in_any_case(name) for name in FORWARDED),
            f"#if($name.toLowerCase() == $stageVariables.{HEADER})",
            "#set($value = $input.params().header.get($name))",
            f'#if($stageVariables.{VALUES}.contains(",$value,") && !$value.contains(","))',
            f"#set($target = $stageVariables.{VARIANT})",
            "#end",
            "#if($value.matches('[0-9]{4}'))",
            f"#if($value.compareTo($stageVariables.{BUCKETS}) < 0)",
            f"#set($target = $stageVariables.{VARIANT})",
            "#end",
            "#end",
            "#end",
            "#end",
            f'#if($target != "{NONE}")',
            f"#set($context.requestOverride.header.{TARGET_VARIANT} = $target)",
            "#end",
            "$input.body",
        )
    )


def _forwarded_in_any_case(header: str) -> str:
    """Return what hands on a header whose name has another case than parameter mapping knows."""
    return (
        f'#if($name != "{header}" && $name.toLowerCase() == "{header.lower()}")'
        f"#set($context.requestOverride.header.{header} = $input.params().header.get($name))"
        "#end"
    )


def model_error_template() -> str:
    """Return the body of an answer that the model itself failed: its status and its words, without the log's ARN."""
    return (
        '{"error": "ModelError", "modelStatus": $input.json(\'$.OriginalStatusCode\'), '
        "\"message\": $input.json('$.OriginalMessage')}"
    )


def refusal_template() -> str:
    """Return the body of SageMaker's status 400, which it also uses for throttling.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html (ThrottlingException)
    """
    return "".join(
        (
            "#set($answer = $input.json('$'))",
            "#if($answer.contains('Rate exceeded') || $answer.contains('Throttling'))",
            "#set($context.responseOverride.status = 429)",
            error_body("TooManyRequests", "SageMaker throttles this endpoint: send the request again later"),
            "#else",
            error_body("InvalidRequest", "SageMaker refused the request"),
            "#end",
        )
    )


def error_body(error: str, message: str) -> str:
    """Return a fixed body.

    >>> error_body("PayloadTooLarge", "at most 6 MB")
    '{"error": "PayloadTooLarge", "message": "at most 6 MB"}'
    """
    return f'{{"error": "{error}", "message": "{message}"}}'
