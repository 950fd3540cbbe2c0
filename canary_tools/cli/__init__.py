"""The operator's `canary` command: see a rollout, wait for it, stop it."""
