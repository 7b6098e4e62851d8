"""Generators of maps: their training, from pairs to a model folder."""
