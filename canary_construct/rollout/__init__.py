"""The course of a rollout: plan, gates, state machine, and the rules that call handlers by event."""
