"""Lambda behaviour that the emulator lacks."""
