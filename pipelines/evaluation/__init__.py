"""Step 5: scores of fidelity and utility, and attacks on privacy; this folder only measures."""
