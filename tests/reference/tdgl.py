"""Plain NumPy integration of the generalised Ginzburg–Landau equation on a ring or a wire.

Explicit midpoint steps on complex ψ and complex links, which shares neither method, nor gauge, nor
code with the package:

    ∂ψ/∂t = ρR/u − γ² Re(ψ*R) ψ/(uρ),   R = (ε − |ψ|²)ψ + D²ψ,   ρ = √(1 + γ²|ψ|²)
    link = exp(−iθ),   ∂θ/∂t = −h(j − j_s),   j_s = Im(ψ* link ψ₊)/h
"""

import numpy as np

U = 5.79


def ring(psi, current, length, gamma, duration, settle, part=0.2):
    """Mean voltage with weight sin⁴ over the time after `settle`, and |ψ| at the end (ε = 1).

    `part` is the step in units of the largest for which the scheme might be stable.
    """
    psi = np.array(psi, complex)
    h = length / psi.size
    steps = int(np.ceil(duration / (part * h**2 * U / np.sqrt(1 + gamma**2))))
    dt = duration / steps
    time = dt * np.arange(steps)
    inside = np.clip(((time + dt / 2) / duration - settle) / (1 - settle), 0, 1)
    weight = np.sin(np.pi * inside) ** 4
    link = np.ones(psi.size, complex)
    total = 0.0

    def rates(psi, link):
        ahead = link * np.roll(psi, -1)
        behind = np.roll(psi / link, 1)
        normal = current - (psi.conj() * ahead).imag / h
        square = psi.real**2 + psi.imag**2
        rest = (1 - square) * psi + (ahead + behind - 2 * psi) / h**2
        rho = np.sqrt(1 + gamma**2 * square)
        pull = gamma**2 * (psi.real * rest.real + psi.imag * rest.imag) / rho
        return (rho * rest - pull * psi) / U, normal

    for k in range(steps):
        slope, normal = rates(psi, link)
        half = link * np.exp(0.5j * dt * h * normal)
        slope, normal = rates(psi + 0.5 * dt * slope, half)
        psi, link = psi + dt * slope, link * np.exp(1j * dt * h * normal)
        total += weight[k] * normal.mean()
    return total / weight.sum(), np.abs(psi)


def bridge(currents, length, gamma, duration, settle, cells, part=0.4):
    """The same mean voltages of wires between normal banks, all currents at once; ψ = 1 at first.

    ψ = 0 at both ends, no vector potential: ∂_xμ = j_s − j is summed up from the middle, and the
    equation has ∂_t + iμ in place of ∂_t.
    """
    j = np.asarray(currents, float)[:, None]
    h = length / cells
    steps = int(np.ceil(duration / (part * h**2 * U / np.sqrt(1 + gamma**2))))
    dt = duration / steps
    inside = np.clip(((np.arange(steps) + 0.5) / steps - settle) / (1 - settle), 0, 1)
    weight = np.sin(np.pi * inside) ** 4
    psi = np.ones((j.size, cells + 1), complex)
    psi[:, [0, -1]] = 0
    total = np.zeros(j.size)

    def rates(psi):
        normal = j - (psi[:, :-1].conj() * psi[:, 1:]).imag / h
        potential = np.zeros(psi.shape)
        potential[:, 1:] = -h * np.cumsum(normal, axis=1)
        potential -= potential[:, cells // 2, None]
        square = psi.real**2 + psi.imag**2
        rest = (1 - square) * psi
        rest[:, 1:-1] += (psi[:, 2:] + psi[:, :-2] - 2 * psi[:, 1:-1]) / h**2
        rho = np.sqrt(1 + gamma**2 * square)
        pull = gamma**2 * (psi.real * rest.real + psi.imag * rest.imag) / rho
        slope = (rho * rest - pull * psi) / U - 1j * potential * psi
        slope[:, [0, -1]] = 0
        return slope, normal

    for k in range(steps):
        slope, _ = rates(psi)
        slope, normal = rates(psi + 0.5 * dt * slope)
        psi = psi + dt * slope
        if weight[k]:
            total += weight[k] * normal.mean(axis=1)
    return total / weight.sum()
