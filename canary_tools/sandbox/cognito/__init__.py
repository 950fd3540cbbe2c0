"""What the emulator of Cognito lacks."""
