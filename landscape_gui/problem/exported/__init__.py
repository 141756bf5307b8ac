"""Exported programs (.pt2): the graph in the file, interpreted from a list of operators; nothing of it runs as code."""
