"""Does a device keep the SPEC? Judges what was heard of it, clause by clause; no I/O."""
