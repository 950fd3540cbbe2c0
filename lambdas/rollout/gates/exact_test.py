"""Whether one variant had more bad requests than another one that fails alike would have had by chance."""

from math import exp, lgamma


def chance_of_as_many(bad: float, total: float, other_bad: float, other_total: float) -> float:
    """Return the chance that this many or more of the bad requests are this variant's if both fail alike.

    Exact, the upper tail of the hypergeometric distribution (Fisher's test): also right for few requests. It is summed
    from where the variant has more than its part, so that each term is smaller than the one before.
    Source: https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.fisher_exact.html

    >>> round(chance_of_as_many(2, 2, 0, 2), 6)
    0.166667
    """
    term = exp(
        _log_choices(total, bad)
        + _log_choices(other_total, other_bad)
        - _log_choices(total + other_total, bad + other_bad)
    )
    tail = 0.0
    while term > tail * 1e-9:
        tail += term
        term *= (total - bad) * other_bad / ((bad + 1) * (other_total - other_bad + 1))
        bad, other_bad = bad + 1, other_bad - 1
    return tail


def _log_choices(of: float, chosen: float) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
