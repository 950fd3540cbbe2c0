"""Which published values can be counts. What cannot be one is no evidence, whoever reads it."""

MOST = 10**15
"""In one metric period; floating-point numbers cannot count further."""


def as_count(value: float | None) -> int | None:
    """Return a published value as a count; `None` for one that cannot be a count: not whole, below 0, above `MOST`.

    >>> as_count(600.0), as_count(0.5), as_count(-1.0), as_count(2.0**360), as_count(None)
    (600, None, None, None, None)
    """
    if value is None or not 0 <= value <= MOST or value % 1:
        return None
    return int(value)
