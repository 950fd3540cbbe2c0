"""A synthesised template, read for a rehearsal: each `CanaryEndpoint` in it with all that was declared for it."""

from canary_tools.rehearsal.template.declared import DeclaredEndpoint, Function, Rule, StreamCall
from canary_tools.rehearsal.template.resources import if_known, properties_of, referred
from canary_tools.rehearsal.template.template_file import find_endpoint, read_template
from canary_tools.rehearsal.template.written_plan import alarm_names

__all__ = [
    "DeclaredEndpoint",
    "Function",
    "Rule",
    "StreamCall",
    "alarm_names",
    "find_endpoint",
    "if_known",
    "properties_of",
    "read_template",
    "referred",
]
