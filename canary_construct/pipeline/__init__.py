"""What a pipeline that deploys an endpoint has beside its deploys."""
