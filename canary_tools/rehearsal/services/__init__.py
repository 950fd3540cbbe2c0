"""The AWS services around the endpoint, as a rehearsal simulates them."""
