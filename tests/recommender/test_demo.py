"""Which way the demonstration's requests go."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from examples.recommender.demo import demonstration
from examples.recommender.shop.senders import ApiSender, RuntimeSender

if TYPE_CHECKING:
    from canary_tools.sandbox.server import Sandbox

OUTPUTS = {"EndpointName": "recommender", "ApiId": "a1b2c3", "ApiStage": "live"}


class StubSandbox:
    endpoint_url = "http://127.0.0.1:4566"

    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def sender(*, direct: bool) -> Any:
    return demonstration._sender(cast("Sandbox", StubSandbox()), OUTPUTS, direct=direct)


def test_requests_go_through_the_front_door_unless_asked_otherwise() -> None:
    through_the_door = sender(direct=False)
    assert isinstance(through_the_door, ApiSender)
    assert through_the_door._url == "http://127.0.0.1:4566/_aws/execute-api/a1b2c3/live/invocations"
    assert isinstance(sender(direct=True), RuntimeSender)


@pytest.mark.parametrize(("arguments", "direct"), [([], False), (["--direct"], True)])
def test_the_front_door_is_the_default(monkeypatch: pytest.MonkeyPatch, arguments: list[str], direct: bool) -> None:  # noqa: FBT001
    monkeypatch.setattr("sys.argv", ["demo", *arguments])
    assert demonstration._parse_arguments().direct is direct


def test_every_release_of_the_demonstration_has_an_expected_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["demo"])
    assert demonstration._parse_arguments().releases == ["v2", "v3", "v5"]
    assert set(demonstration.ENDINGS) >= {"v2", "v3", "v4", "v5"}


def test_fixed_steps_are_asked_of_the_app_and_end_before_clicks_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--steps", "50,100"])
    settings = demonstration._parse_arguments()
    assert demonstration._context(settings)["steps"] == "50,100"
    assert not settings.ending("v2").converts_better
    monkeypatch.setattr("sys.argv", ["demo"])
    assert "steps" not in demonstration._context(demonstration._parse_arguments())
    assert demonstration._parse_arguments().ending("v2").converts_better
