"""Checks that no linter can express. Run by dev.py."""
