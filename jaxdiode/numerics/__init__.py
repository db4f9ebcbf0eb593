"""Physics-free numerics: outcome codes, roots, extrema, orbits, boundary value problems, ascent."""
