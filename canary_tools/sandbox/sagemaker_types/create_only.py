"""Properties whose change replaces the resource: `createOnlyProperties` in the CloudFormation schemas."""

CREATE_ONLY: dict[str, tuple[str, ...]] = {
    "AWS::SageMaker::Model": (
        "Containers",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "InferenceExecutionConfig",
        "ModelName",
        "PrimaryContainer",
        "VpcConfig",
    ),
    "AWS::SageMaker::EndpointConfig": (
        "AsyncInferenceConfig",
        "DataCaptureConfig",
        "EnableNetworkIsolation",
        "EndpointConfigName",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "KmsKeyId",
        "MetricsConfig",
        "ProductionVariants",
        "ShadowProductionVariants",
        "VpcConfig",
    ),
    "AWS::SageMaker::Endpoint": ("EndpointName",),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ResourceId", "ScalableDimension", "ServiceNamespace"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": (
        "PolicyName",
        "ResourceId",
        "ScalableDimension",
        "ScalingTargetId",
        "ServiceNamespace",
    ),
}

# Types that CloudFormation refuses to replace while the template gives them the same name.
NAME_PROPERTY = {
    "AWS::SageMaker::Model": "ModelName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
}
