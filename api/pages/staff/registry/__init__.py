"""The registry on pages: lists of what a council owns, a form for each thing, and files.

Each kind of thing is described once, as a `Sheet` of fields, in a module of its own; everything else here is
the same for all. What may be written is decided by `parking.registry_things`, as for the routes.
"""
