"""The SageMaker endpoint: model, config, endpoint, scaling, and the guards of its deploys."""
