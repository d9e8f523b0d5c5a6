"""Screens. Layout, focus and words; no decisions, no tables."""
