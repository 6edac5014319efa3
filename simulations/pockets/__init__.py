"""Docking: a small molecule into a box on a protein, with AutoDock Vina and Meeko."""
