"""REST APIs that call SageMaker, added to the emulator's API Gateway."""
