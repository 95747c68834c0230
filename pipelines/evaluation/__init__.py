"""Step 5: what a generated set is worth, each number with an interval and a baseline."""
