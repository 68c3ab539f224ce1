"""Scoring the forecast on a history: as it would have been made then, beside simple ones."""
