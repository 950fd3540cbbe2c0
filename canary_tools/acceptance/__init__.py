"""Asks a real AWS account whether it is as this library and its local AWS take it to be."""
