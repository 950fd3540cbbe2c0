"""What a team runs before a rollout: its gates on past counts, the whole plan on a virtual clock."""
