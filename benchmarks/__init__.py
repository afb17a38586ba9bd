"""How fast the packet path is, beside baselines measured in the same run. See docs/performance.md."""
