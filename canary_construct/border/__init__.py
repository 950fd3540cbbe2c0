"""The border of the library: what comes in is checked there, and refused with a sentence."""

from canary_construct.border.checked import checked

__all__ = ["checked"]
