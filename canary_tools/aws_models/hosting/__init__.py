"""SageMaker endpoints together with their auto scaling, on one clock."""
