"""Whatever is wrong is a sentence and a status, and no traceback."""

import io
import sys

import pytest
from botocore import exceptions as boto

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.cli import command
from tests.cli.fake import Terminal
from tests.lambdas.fakes.shop import Shop

ORDERS = [("abort",), ("approve",), ("reject",), ("pause",), ("resume",)]
COMMANDS = [("status",), ("watch",), ("wait", "v2"), ("history",), *ORDERS, ("doctor",)]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (boto.NoCredentialsError(), "no AWS credentials were found: run `aws configure`, or set AWS_PROFILE"),
        (boto.NoRegionError(), "no AWS region is set: use --region, or set AWS_REGION"),
        (boto.EndpointConnectionError(endpoint_url="https://x"), "AWS does not answer; look at the region"),
        (ApiError("ExpiredTokenException", "expired"), "the AWS credentials have expired; sign in again"),
        (ApiError("UnrecognizedClientException", "no"), "AWS refuses the credentials (UnrecognizedClientException)"),
        (ApiError("AccessDeniedException", "not authorized"), "you have no permission for GetResources"),
    ],
    ids=lambda value: type(value).__name__ + getattr(value, "code", "") if isinstance(value, Exception) else "",
)
def test_what_aws_refuses_is_a_sentence(
    terminal: Terminal, words: tuple[str, ...], error: Exception, sentence: str
) -> None:
    terminal.operated.errors["GetResources"] = error
    result = terminal.canary(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"canary: {sentence}")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize("words", COMMANDS[:-1], ids=lambda words: words[0])
def test_without_the_ledger_no_command_works(terminal: Terminal, words: tuple[str, ...]) -> None:
    terminal.operated.denied = {"GetItem", "Query"}
    result = terminal.canary(*words)
    assert result.exit_code == 2
    assert "endpoint.grant_operate(…) of the construct gives it" in result.stderr


def test_no_endpoint_here(terminal: Terminal) -> None:
    terminal.operated.there = False
    result = terminal.canary("status")
    assert result.exit_code == 2
    assert result.stderr == (
        "canary: there is no endpoint of canary-construct in us-east-1; look at --region and AWS_PROFILE\n"
    )


def test_several_endpoints_ask_for_a_choice(terminal: Terminal) -> None:
    terminal.operated.others = [("ranker", "Ranking")]
    result = terminal.canary("status")
    assert result.exit_code == 2
    assert result.stderr == "canary: choose one with --endpoint: ranker (stack Ranking), shop (stack shop)\n"
    for chosen in (("--stack", "shop"), ("--endpoint", "shop"), ("--endpoint", "Shop"), ("--endpoint", "shop/Shop")):
        assert terminal.canary(*chosen, "status").exit_code == 0


def test_an_endpoint_of_another_name(terminal: Terminal) -> None:
    result = terminal.canary("--endpoint", "shpo", "status")
    assert result.exit_code == 2
    assert result.stderr == "canary: there is no endpoint shpo in us-east-1; there are shop (stack shop)\n"


def test_an_endpoint_that_was_deleted(shop: Shop, terminal: Terminal) -> None:
    shop.aws.sagemaker.endpoints.delete({"EndpointName": "shop"})
    shop.aws.wait(3600)
    result = terminal.canary("status")
    assert result.exit_code == 2
    assert result.stderr.startswith("canary: the endpoint does not exist (any more): ")


def test_a_newer_library_asks_for_an_update(shop: Shop, terminal: Terminal) -> None:
    shop.plan["schema"] = 99
    result = terminal.canary("status")
    assert result.exit_code == 2
    assert "update it: pip install --upgrade 'canary-construct[cli]'" in result.stderr


def test_wrong_options_end_with_the_same_status(terminal: Terminal) -> None:
    assert terminal.canary("status", "--colour").exit_code == 2
    assert terminal.canary("wait").exit_code == 2


def test_a_command_that_breaks_is_no_outcome_of_a_release(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks() -> None:
        raise ValueError("a record that nobody has thought of")

    monkeypatch.setattr(command, "app", breaks)
    assert command.main() == 2
    assert "a record that nobody has thought of" in capsys.readouterr().err


def test_a_terminal_without_a_letter_gets_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="cp1252", write_through=True))
    monkeypatch.setattr(command, "app", lambda: sys.stdout.write("10 → 50"))
    assert command.main() == 0
    assert printed.getvalue() == b"10 ? 50"


def test_shell_completion_is_offered(terminal: Terminal) -> None:
    assert "--install-completion" in terminal.canary("--help").stdout
