"""Qt models over the frozen rows that queries return. `data()` never leaves memory."""
