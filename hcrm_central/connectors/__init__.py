"""What feeds the centre: the Excel ledger and bulk extracts. Each lands raw, then becomes rows."""
