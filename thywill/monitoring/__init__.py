"""For operators: metrics, readiness and the status page."""
