"""What is seen of the two slots: metrics, alarms, dashboard."""
