"""The circuits of shared/physics/circuits.md, in its units and orientation."""

import jax
import jax.numpy as jnp

import jaxdiode as jd


def tunnel(node, end, current, offset=0.0):
    return jd.Junction(node, end, jd.TunnelJunction(current), offset=offset)


def squid(critical, inductance, flux):
    """Two branches, each an inductor and a junction."""
    first, second = (
        x if isinstance(x, jd.AbstractPhaseBiased | jd.LinearLink) else jd.TunnelJunction(x)
        for x in critical
    )
    return jd.Circuit(
        {
            "J0": jd.Junction("1", "0", first),
            "J1": jd.Junction("2", "0", second),
            "L0": jd.Inductor("in", "1", inductance[0]),
            "L1": jd.Inductor("in", "2", inductance[1], offset=-flux),
        },
        ("in", "0"),
    )


def double_loop(flux):
    elements = {
        "R0": jd.Inductor("t0", "t1", 0.04),
        "R1": jd.Inductor("t1", "t2", 0.06),
    }
    for k, (current, inductance) in enumerate(zip((1, 0.6, 0.8), (0.2, 0.15, 0.3), strict=True)):
        elements[f"L{k}"] = jd.Inductor(f"t{k}", f"m{k}", inductance)
        elements[f"J{k}"] = tunnel(f"m{k}", "0", current, -k * flux)
    mutual = {("L0", "L1"): 0.05, ("L1", "L2"): 0.05, ("L0", "L2"): -0.02}
    return jd.Circuit(elements, ("t1", "0"), mutual=mutual)


def bi_squid(flux, second):
    return jd.Circuit(
        {
            "J0": tunnel("1", "0", 1.0),
            "J1": tunnel("2", "0", 0.7, -second),
            "J2": tunnel("1", "2", 0.5),
            "L0": jd.Inductor("b", "1", 0.4),
            "L1": jd.Inductor("b", "2", 0.3, offset=-flux),
        },
        ("b", "0"),
    )


def ladder(flux, feed):
    """Five rungs; fed at one end or uniformly."""
    elements, mutual = {}, {}
    for k, current in enumerate((1, 0.9, 1.1, 0.95, 1.05)):
        elements[f"R{k}"] = tunnel(f"t{k}", f"b{k}", current)
    for k, current in enumerate((0.8, 0.75, 0.85, 0.7)):
        elements[f"T{k}"] = tunnel(f"t{k}", f"m{k}", current, flux)
        elements[f"A{k}"] = jd.Inductor(f"m{k}", f"t{k + 1}", 0.1)
        elements[f"B{k}"] = jd.Inductor(f"b{k}", f"b{k + 1}", 0.15)
        mutual[f"A{k}", f"B{k}"] = -0.03
    for k in range(3):
        mutual[f"A{k}", f"A{k + 1}"] = 0.01
        mutual[f"B{k}", f"B{k + 1}"] = 0.01
    ends = {
        "end": ("t0", "t4"),
        "uniform": tuple({f"{side}{k}": 0.2 for k in range(5)} for side in "tb"),
    }
    return jd.Circuit(elements, ends[feed], mutual=mutual)


def triode(control, flux, *, inductance=None):
    """A → C, B → C and A → B, the ground at C."""
    ends = {"AC": ("A", "C", 1.0), "BC": ("B", "C", 0.7), "AB": ("A", "B", 0.5)}
    elements = {}
    for k, (name, (start, end, current)) in enumerate(ends.items()):
        offset = flux if name == "AB" else 0.0
        if inductance is None:
            elements[name] = tunnel(start, end, current, offset)
        else:
            elements[name] = tunnel(start, f"x{k}", current, offset)
            elements[f"L{k}"] = jd.Inductor(f"x{k}", end, inductance[k])
    return jd.Circuit(elements, ("A", "C"), sources={"B": control})


def links(current, phase, flux):
    """Two linear links in parallel."""
    first, second = (jd.LinearLink(i, p) for i, p in zip(current, phase, strict=True))
    return jd.Circuit(
        {"A": jd.Junction("in", "0", first), "B": jd.Junction("in", "0", second, offset=-flux)},
        ("in", "0"),
    )


class AndreevWell(jd.AbstractPhaseBiased):
    """I = 2τ sin x/(4√(1 − τ sin²(x/2)))."""

    transparency: jax.Array

    def current(self, phase):
        square = 1 - self.transparency * jnp.sin(phase / 2) ** 2
        return self.transparency * jnp.sin(phase) / (2 * jnp.sqrt(square))

    def samples_per_period(self):
        return 256


def with_shunts(circuit, resistance=1.0, capacitance=None, **settings):
    """Every junction with a resistance and a capacitance; more settings of the circuit."""
    elements = {
        name: jd.Junction(
            *x.nodes, x.relation, resistance=resistance, capacitance=capacitance, offset=x.offset
        )
        if isinstance(x, jd.Junction)
        else x
        for name, x in circuit.elements.items()
    }
    return jd.Circuit(
        elements, circuit.terminals, mutual=circuit.mutual, sources=circuit.sources, **settings
    )


def bridge(**settings):
    """Four diodes, I₊ = 3/4 and I₋ = 3/2, and a load between 1 and 2."""
    diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    ends = (("0", "1"), ("g", "1"), ("2", "0"), ("2", "g"))
    elements = {f"D{k}": jd.Junction(*pair, diode, resistance=1.0) for k, pair in enumerate(ends)}
    return jd.Circuit(elements | {"R": jd.Resistor("1", "2", 2.0)}, ("0", "g"), **settings)
