"""What the CDK for Python lacks."""
