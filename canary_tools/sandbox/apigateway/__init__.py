"""API Gateway REST APIs that call SageMaker, for the emulator's own API Gateway."""
