"""A template that CloudFormation would not take is refused in its words."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

MAX_RESOURCES, MAX_BYTES = 500, 1_000_000
"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def create(playground: Any, template: dict[str, Any]) -> None:
    bucket = "templates"
    playground.client("s3").create_bucket(Bucket=bucket)
    playground.client("s3").put_object(Bucket=bucket, Key="big.json", Body=json.dumps(template).encode())
    url = f"{playground.sandbox.endpoint_url}/{bucket}/big.json"
    playground.client("cloudformation").create_stack(StackName="big", TemplateURL=url)


def topics(count: int, **properties: Any) -> dict[str, Any]:
    topic = {"Type": "AWS::CloudFormation::WaitConditionHandle", **properties}
    return {"Resources": {f"Handle{number}": topic for number in range(count)}}


def test_more_than_500_resources_are_refused(playground: Any) -> None:
    with pytest.raises(ClientError, match="Number of resources, 501, is greater than maximum allowed, 500"):
        create(playground, topics(MAX_RESOURCES + 1))


def test_more_than_a_million_bytes_are_refused(playground: Any) -> None:
    with pytest.raises(ClientError, match=r"Template may not exceed 1000000 bytes in size\."):
        create(playground, topics(1, Metadata={"Padding": "x" * MAX_BYTES}))
