"""The clinic workstation."""
