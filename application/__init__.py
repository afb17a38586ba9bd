"""The use cases, and the ports they need the outside through. Knows the domain and nothing else."""
