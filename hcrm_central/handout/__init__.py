"""The page of one child for a tablet on the clinic's network: shared for an hour, for reading only."""
