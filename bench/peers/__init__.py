"""What users would pick instead: each in a folder of its own, written as its makers show it."""
