"""Circuits as text that other programs read: JoSIM netlists, scqubits and SQcircuit input."""
