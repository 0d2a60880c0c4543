"""Procedural scenes, small networks and training code behind Nereid's demo models."""
