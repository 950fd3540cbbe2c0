"""What is kept of a rehearsal: what happened, how it ended, and for what scenario and template."""
