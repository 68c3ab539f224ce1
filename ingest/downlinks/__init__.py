"""Commands to sensors: what each model can be told, as bytes, and the message that brings them there.

A maker is one file; a model one row of `ingest.downlinks.models.MODELS`.
"""
