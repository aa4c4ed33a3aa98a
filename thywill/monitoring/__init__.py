"""An operator's eyes: metrics, readiness, and the status page."""
