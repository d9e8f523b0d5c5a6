"""The parents' report: A4 pages in Chinese from the same study that the screen shows."""
