"""The values that a caller gives: each checks itself, and declares nothing."""
