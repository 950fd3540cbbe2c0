"""What a data scientist writes: training data, training, the code inside the endpoint, and the archive of both."""
