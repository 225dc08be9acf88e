"""Actors that survive their own failures. Nothing in here knows trading."""
