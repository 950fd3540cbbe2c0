"""Blocking code that waits on a virtual clock."""
