"""The HTTP service: sign-in, sync and the overview. Messages are those of hcrm_core.wire."""
