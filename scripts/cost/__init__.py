"""The bill: measured seconds, bytes and memory × public prices, for this system and for others."""
