"""EventBridge: delivery at least once, and the service events that the emulator does not send."""
