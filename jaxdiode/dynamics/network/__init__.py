"""Motion in time of many nodes: C φ'' + G φ' + F(φ) = s(t)."""
