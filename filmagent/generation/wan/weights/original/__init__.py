"""Model folders in Wan2.2's own format: recognised, renamed in memory, loaded onto the stock classes."""
