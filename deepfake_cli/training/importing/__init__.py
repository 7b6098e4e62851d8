"""Published checkpoints, made into model folders."""
