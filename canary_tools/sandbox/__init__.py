"""A local AWS: the ministack emulator, completed with what a canary release needs."""
