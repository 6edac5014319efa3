"""The record of a run: what it was made with, whom to cite, how to tell it in a paper."""
