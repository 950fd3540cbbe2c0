"""What each handler may do, and why where a wildcard is in it."""
