"""The display for child and parents, on a second screen or on this one: first name only, nothing of anybody else."""
