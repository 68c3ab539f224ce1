"""The device contract: our sensor frame (SPEC.md), codec, topics and C99 library. Needs no third party."""
