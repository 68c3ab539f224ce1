"""What others publish: network servers' envelopes, vendors' payloads and cameras' plate reads.

A network server is one file and one row of `ingest.decode.ROUTES`; a camera is one file and one row of
`ingest.adapters.cameras.FORMATS`; a sensor is one file, one row of `ingest.adapters.codecs.CODECS` and one of
`parking.devices.DEVICE_TYPES`.
"""
