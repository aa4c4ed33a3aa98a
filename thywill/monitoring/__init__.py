"""What an operator watches: metrics, readiness and the status page."""
