"""Entry point of the `parking` command."""
