"""What stands beside the editor and is asked about the rule as it stands. Nothing here changes a segment."""
