"""The words for child and parents, for views, which do not see the store."""

from hcrm_store.education import Education, OptionCard, education

__all__ = ["Education", "OptionCard", "education"]
