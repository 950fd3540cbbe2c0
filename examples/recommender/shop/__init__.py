"""What an application team writes: the callers of the endpoint, and what they make of its answers."""
