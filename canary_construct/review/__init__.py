"""What a reviewer sees of a plan: a summary in the template, and warnings at synth."""
