"""What may leave the house: a policy, a gate, and the bundle that passes it."""
