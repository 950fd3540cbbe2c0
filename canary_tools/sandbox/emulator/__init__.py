"""The emulator ministack in this process: running it, patching it, taking turns in it, and its settings."""
