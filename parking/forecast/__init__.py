"""Forecasts of free spaces: from a site's past to what a driver will find on arrival."""
