"""The routes, each group made by a function that is given what it needs."""
