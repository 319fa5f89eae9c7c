"""Sends a span of each call that bridges have recorded to an OpenTelemetry collector. See README.md."""
