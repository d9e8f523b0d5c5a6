"""What runs by itself: facts, the daily scan, and the defaults a new store starts with."""
