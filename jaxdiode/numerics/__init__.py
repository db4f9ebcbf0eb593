"""Physics-free numerics: outcome codes, roots, extrema of sharp periodic functions."""
