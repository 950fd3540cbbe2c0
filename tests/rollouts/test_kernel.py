"""The turns in CDK's kernel, without which a worker of these tests stood still for an hour, once in several runs."""

import threading

from aws_cdk import Token

from tests.rollouts.kernel import KERNEL, taking_turns


def test_threads_that_ask_cdk_at_the_same_time_each_get_their_answer() -> None:
    said: list[bool] = []

    def ask() -> None:
        said.extend(Token.is_unresolved(str(number)) for number in range(300))

    with taking_turns():
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert said == [False] * (4 * 300)


def test_who_holds_the_kernel_is_waited_for() -> None:
    asking = threading.Thread(target=Token.is_unresolved, args=("v1",), daemon=True)
    with taking_turns():
        with KERNEL:
            asking.start()
            asking.join(0.2)
            assert asking.is_alive()
        asking.join(20)
    assert not asking.is_alive()
