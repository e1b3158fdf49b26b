"""Django's PostgreSQL backend, with a health check of sessions that costs no round trip."""
