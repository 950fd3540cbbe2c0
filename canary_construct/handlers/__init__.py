"""The Lambda functions and the ledger that all endpoints of a stack share."""
