"""What synth, handlers and tools must agree on. Imports the standard library and itself only."""
