"""Is each device to be believed, and where does a visit help most: rules, forecast and list, without I/O."""
