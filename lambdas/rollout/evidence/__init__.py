"""What CloudWatch counted of both slots, period by period, as the gates and the decision about alarms take it.

Modules are imported one by one: whoever looks at alarms does not wait for the gates.
"""
