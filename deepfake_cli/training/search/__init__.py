"""Searches of recipes: a study of many runs."""
