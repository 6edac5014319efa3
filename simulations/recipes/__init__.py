"""Recipes: simulations that run other simulations, one after another."""
