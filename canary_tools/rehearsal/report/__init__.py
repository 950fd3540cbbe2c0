"""What people read of a rehearsal: sentences, a page with pictures, and the spread over many runs."""
