"""同步: how far each entry has come, and what a person must decide."""
