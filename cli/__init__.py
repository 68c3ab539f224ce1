"""The `parking` command: wires the parts together."""
