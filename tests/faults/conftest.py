from collections.abc import Mapping

import pytest

from bench.chaos.matrix import moments
from bench.chaos.running import synthesise
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> DeclaredEndpoint:
    """The short plan of the chaos bench, synthesised once."""
    return find_endpoint(synthesise(tmp_path_factory.mktemp("synth")), None)


@pytest.fixture(scope="session")
def entered(declared: DeclaredEndpoint) -> Mapping[str, float]:
    """When each state of the machine is entered if nothing goes wrong."""
    return moments(declared)
