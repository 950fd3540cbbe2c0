"""The scenario of a rehearsal: the file, what it holds, and how the models behave at each second."""

from canary_tools.rehearsal.scenario.scenario import (
    Behaviour,
    Change,
    Control,
    Fault,
    Missing,
    Scenario,
    Traffic,
    behaviour_at,
)
from canary_tools.rehearsal.scenario.scenario_file import ERRORS, parse_scenario, read_scenario

__all__ = [
    "ERRORS",
    "Behaviour",
    "Change",
    "Control",
    "Fault",
    "Missing",
    "Scenario",
    "Traffic",
    "behaviour_at",
    "parse_scenario",
    "read_scenario",
]
