"""CloudWatch: metrics, metric math and alarms, as plain state on a clock."""
