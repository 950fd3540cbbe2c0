"""The URL of a REST API in the sandbox."""


def stage_url(endpoint_url: str, *, rest_api_id: str, stage_name: str) -> str:
    """Return the URL of a stage. In AWS it is `https://{api}.execute-api.{region}.amazonaws.com/{stage}`.

    >>> stage_url("http://127.0.0.1:4566", rest_api_id="a1b2c3d4", stage_name="live")
    'http://127.0.0.1:4566/_aws/execute-api/a1b2c3d4/live'
    """
    return f"{endpoint_url}/_aws/execute-api/{rest_api_id}/{stage_name}"
