"""A synthesised template, read for a rehearsal: each `CanaryEndpoint` in it with all that was declared for it."""

from canary_tools.rehearsal.template.template_file import (
    DeclaredEndpoint,
    Function,
    Rule,
    find_endpoint,
    if_known,
    properties_of,
    read_template,
    referred,
)

__all__ = [
    "DeclaredEndpoint",
    "Function",
    "Rule",
    "find_endpoint",
    "if_known",
    "properties_of",
    "read_template",
    "referred",
]
