"""What the charts of a child show, as plain values: one source for screen, print and web page."""
