"""CloudFormation behaviour that the emulator lacks."""
