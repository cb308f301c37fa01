"""Features, labels and scores: out of the warehouse and back, and what is checked on the way."""
