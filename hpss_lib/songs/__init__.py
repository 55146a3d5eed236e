"""Random songs as notes, rendered to stems: lessons for the network, excerpts for the book."""
