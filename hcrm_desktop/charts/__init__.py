"""Curves of one child's eyes. Pictures are plain values, made in a reader; only eye_chart draws."""
