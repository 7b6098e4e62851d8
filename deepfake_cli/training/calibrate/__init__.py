"""How scores become probabilities and verdicts."""
