from typing import Any

import pytest

from canary_tools.rehearsal.json_input.json_object import RehearsalError
from canary_tools.rehearsal.template.intrinsics import Intrinsics

TEMPLATE = {
    "Parameters": {"Stage": {"Type": "String", "Default": "beta"}},
    "Mappings": {"Sizes": {"beta": {"Count": 2}}},
    "Resources": {
        "Handler": {"Type": "AWS::Lambda::Function", "Properties": {}},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": {"Fn::Sub": "ledger-${Stage}"}}},
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"StateMachineName": "rollout"}},
        "Slots": {"Type": "Custom::ReleaseSlots", "Properties": {}},
    },
}


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Stage"}, "beta"),
        ({"Ref": "Table"}, "ledger-beta"),
        ({"Ref": "Machine"}, "arn:aws:states:us-east-1:111122223333:stateMachine:rollout"),
        ({"Fn::GetAtt": ["Handler", "Arn"]}, "arn:aws:lambda:us-east-1:111122223333:function:Shop-Handler"),
        ({"Fn::GetAtt": "Slots.WeightA"}, 100),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}, "a-us-east-1"),
        ({"Fn::Sub": ["${a}${!b}", {"a": "x"}]}, "x${b}"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Count"]}, 2),
        ([{"Ref": "AWS::NoValue"}, {"kept": 0, "gone": {"Ref": "AWS::NoValue"}}], [{"kept": 0}]),
    ],
)
def test_values_are_resolved_as_in_a_stack(value: Any, resolved: Any) -> None:
    assert Intrinsics(TEMPLATE, "Shop", {"Slots": {"WeightA": 100}}).resolve(value) == resolved


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": "AWS::Region"}]}]},
            "give a parameter that is known at deploy time",
        ),
        ({"Ref": "Nothing"}, "refers to Nothing, which is not in it"),
        ({"Fn::GetAtt": ["Nothing", "Arn"]}, "refers to Nothing, which is not in it"),
        ({"Fn::Transform": {}}, "uses Fn::Transform, which a rehearsal does not know"),
    ],
)
def test_what_cannot_be_resolved_is_said(value: Any, sentence: str) -> None:
    with pytest.raises(RehearsalError, match=sentence):
        Intrinsics(TEMPLATE, "Shop").resolve(value)
