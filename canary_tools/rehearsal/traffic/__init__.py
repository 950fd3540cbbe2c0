"""Requests of users: how many arrive, which variant answers them, and how well."""

from canary_tools.rehearsal.traffic.users import JUST_BEFORE, Arrivals, Served, Users

__all__ = ["JUST_BEFORE", "Arrivals", "Served", "Users"]
