"""Stores: latency of lookups, and comparison of bests."""
