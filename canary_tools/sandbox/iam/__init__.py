"""IAM enforcement for services that the emulator does not know."""
