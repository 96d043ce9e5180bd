"""Compose files: read, checked, merged and normalised as Docker Compose does it; then brought about through the engine's API."""
