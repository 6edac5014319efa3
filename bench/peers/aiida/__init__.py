"""AiiDA: calculations whose every input and output is a node of a graph, run by its daemon."""
