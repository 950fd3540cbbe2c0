"""Settings of every test."""

from hypothesis import settings

# A busy machine is no failure, and the same commit gives the same examples everywhere.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
