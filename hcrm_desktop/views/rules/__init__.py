"""规则: managers read, try and change who belongs to which segment."""
