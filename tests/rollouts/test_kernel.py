"""The lock around CDK, without which a worker of these tests stood still for an hour, once in several runs."""

import pytest
from aws_cdk import App

from tests.rollouts.kernel import KERNEL, only_for_its_holder


def test_who_does_not_hold_the_kernel_may_not_use_it() -> None:
    with only_for_its_holder(), pytest.raises(AssertionError, match="without holding KERNEL"):
        App(analytics_reporting=False)


def test_who_holds_the_kernel_may_use_it() -> None:
    with only_for_its_holder(), KERNEL:
        App(analytics_reporting=False)
