"""Step Functions behaviour that the emulator lacks."""
