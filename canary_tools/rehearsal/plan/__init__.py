"""What the plan of a template means, without a rehearsal: durations, instances, requests, costs."""
