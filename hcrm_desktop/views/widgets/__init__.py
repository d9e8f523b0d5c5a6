"""Small widgets that several screens share: the same thing looks the same everywhere."""
