"""Questions to API Gateway, with an API that is made for them and calls nothing."""

import http.client
from typing import Any
from urllib.parse import urlsplit

from canary_tools.acceptance.questions import Said
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.waiting import wait_for

HEADER = "X-Acceptance-Probe"
_STAGE = "probe"
_OK = 200
_PATIENCE_SECONDS = 120.0
_TIMEOUT_SECONDS = 10.0


def header_in_lower_case(scene: Scene) -> Said:
    """Ask whether a required header is found when it comes in lower case, as HTTP/2 sends it."""
    gateway = scene.client("apigateway")
    api = gateway.create_rest_api(name=f"{scene.endpoint_name}-probe", endpointConfiguration={"types": ["REGIONAL"]})
    scene.undoing.add(f"the API {api['id']}", lambda: gateway.delete_rest_api(restApiId=api["id"]))
    _require_header(gateway, api)
    url = scene.account.api_url(api["id"], _STAGE)
    wait_for(
        lambda: _status(url, HEADER) == _OK or None,
        what="an answer of the new API",
        seconds=_PATIENCE_SECONDS,
        look_again=1.0,
    )
    status = _status(url, HEADER.lower())
    return Said(sentence=f"HTTP {status}", value=status == _OK)


def _require_header(gateway: Any, api: dict[str, Any]) -> None:
    """Give the API a method that answers 200 when the header is there, and 400 when it is not."""
    method = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    validator = gateway.create_request_validator(
        restApiId=api["id"], name="parameters", validateRequestParameters=True, validateRequestBody=False
    )
    gateway.put_method(
        **method,
        authorizationType="NONE",
        requestParameters={f"method.request.header.{HEADER}": True},
        requestValidatorId=validator["id"],
    )
    gateway.put_method_response(**method, statusCode=str(_OK))
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_integration_response(**method, statusCode=str(_OK))
    gateway.create_deployment(restApiId=api["id"], stageName=_STAGE)


def _status(url: str, header: str) -> int | None:
    """Return the status of a request with this header, spelled so; `None` while there is no answer."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path}/", headers={header: "1"})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
