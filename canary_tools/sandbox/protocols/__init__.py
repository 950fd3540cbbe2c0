"""The protocols in which AWS clients talk to a service."""
