"""SageMaker endpoints: models, endpoint configs, fleets, weights, invocation metrics."""
