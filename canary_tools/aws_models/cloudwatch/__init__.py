"""CloudWatch as pure state on a clock: metrics, metric math, alarms."""
