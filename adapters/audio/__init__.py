"""A call's packets as sound."""
