"""The release under trial and its instances, the same in every plan of this bench."""

from canary_construct import InstanceScaling, ModelRelease

RELEASE = ModelRelease(
    version="v2",
    image_uri="246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
    model_data_url="s3://models/v2/model.tar.gz",
)
INSTANCE_TYPE = "ml.m5.xlarge"
SCALING = InstanceScaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000)
