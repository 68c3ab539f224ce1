"""The HTML pages that people look at: rendered here, enhanced by the scripts of `web`."""
