"""The emulator that the sandbox completes: how it runs, how it is patched, how fast it is."""
