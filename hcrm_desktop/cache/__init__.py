"""The workstation's two encrypted files, what is read from them and what is put into the outbox. No Qt."""
