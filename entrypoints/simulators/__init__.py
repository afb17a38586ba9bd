"""A PBX and an AI service to try Trunkline with; outsiders that speak HTTP only."""
