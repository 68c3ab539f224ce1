"""Open data: the published numbers in the words of the standards. Pure functions from a `City` to bytes."""
