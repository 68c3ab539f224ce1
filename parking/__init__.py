"""The domain: what bays, sites and signs are, and the rules by which observations become numbers."""
