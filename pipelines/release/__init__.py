"""The release gate: a policy's limits, what they say about a run, and the bundle that leaves the house if all pass."""
