"""The central service: PostgreSQL behind HTTP, the jobs that run over it and the connectors that feed it."""
