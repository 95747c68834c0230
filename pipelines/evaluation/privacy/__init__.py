"""Privacy: a battery of attacks on what was generated, each with a baseline and both controls."""
