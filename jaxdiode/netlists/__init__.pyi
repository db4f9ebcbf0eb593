from .qubits import to_scqubits as to_scqubits
from .qubits import to_sqcircuit as to_sqcircuit
