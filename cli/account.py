"""Who runs a command, as the audit log says it."""

import getpass
import os


def actor() -> str:
    """The account on this machine: `cli:alice`."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"
