"""Facts about customers: a catalogue, and one function that computes them from frames."""
