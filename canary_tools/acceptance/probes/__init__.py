"""Questions to AWS, by the service that answers them."""
