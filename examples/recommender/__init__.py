"""A made-up shop that recommends items: its model, the shop that asks it, and the demonstration of a release."""
