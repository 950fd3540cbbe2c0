"""What the APIs of all AWS services share: errors, pages, throttling, ARNs, events."""
