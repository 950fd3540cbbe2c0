"""What a paced rollout is expected to do at a stated traffic. Synth and the tools ask; nothing of it runs in AWS."""
