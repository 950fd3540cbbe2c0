"""What shows it: starts a local AWS, deploys releases, watches their rollouts, checks and draws what happened."""
