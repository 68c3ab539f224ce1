"""Webhooks: other departments are told of changes, signed and tried again until it has arrived."""
