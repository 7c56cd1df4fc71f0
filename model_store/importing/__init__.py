"""Brings published checkpoints into a store: found, fetched, checked, converted, compiled, tried, published."""
