"""An endpoint for regulated data: no way to the internet, keys of one's own, and a boundary for every role."""
