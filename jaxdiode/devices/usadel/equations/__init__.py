"""The boundary value problems of a junction, and sums over their solutions."""
