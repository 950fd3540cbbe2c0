"""IAM enforcement where the emulator has none."""
