"""The published tables that a record is held against, for views, which do not see the store."""

from hcrm_core.eye.references import References
from hcrm_store.references import references

__all__ = ["References", "references"]
