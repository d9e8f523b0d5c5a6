"""The parents' report: preview, file and print of one, and a batch for a school."""
