"""The mapped classes that both the centre and the workstation hold. SQLAlchemy only; no business logic."""
