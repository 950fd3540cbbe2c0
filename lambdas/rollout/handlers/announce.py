"""An event about a rollout goes to a topic, with a subject and links. EventBridge itself can give SNS no subject.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from rollout import clients
from rollout.announcement import announcement
from rollout.contract.notice import Happened

if TYPE_CHECKING:
    from rollout.contract.events import Announced


def handler(event: Announced, _context: object) -> None:
    """Publish one event. Lambda repeats the invocation when that fails."""
    detail = event["detail"]
    links = {"Dashboard": event["dashboard"]}
    if detail["execution"]:
        links = {"Execution": f"{event['executions']}:{quote(str(detail['execution']))}", **links}
    (happened,) = [each for each in Happened if each.detail_type == event["detail_type"]]
    said = announcement(happened, detail, links)
    clients.client("sns").publish(TopicArn=event["topic"], Subject=said.subject, Message=said.text)
