"""What the emulator of CloudWatch Logs lacks."""
