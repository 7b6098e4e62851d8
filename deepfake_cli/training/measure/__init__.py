"""What a detector is worth: scores, measures, and what tells of them."""
