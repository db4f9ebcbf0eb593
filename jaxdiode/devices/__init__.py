"""Superconducting diodes, a folder per system; no system imports another.

`SYSTEMS` lists them: the command line, example files and the site's table are read from it. It
needs no JAX.
"""

from dataclasses import dataclass

import lazy_loader


@dataclass(frozen=True, kw_only=True)
class System:
    """One system, as it is offered to users.

    Attributes:
        name: as on the command line.
        title: what it is, in a few words.
        devices: names of its device classes, in `jaxdiode` or in its namespace.
        example: its example device file, beside this one.
        source: where its physics stands.
        holds: classes that its results hold and no user builds, below `jaxdiode`.
    """

    name: str
    title: str
    devices: tuple[str, ...]
    example: str
    source: str
    holds: tuple[str, ...] = ()


SYSTEMS = (
    System(
        name="squid",
        title="interferometer of any number of branches",
        devices=("Squid", "CoilBiasedSquid"),
        example="squid/example.toml",
        source="squid/interferometer.py",
    ),
    System(
        name="extended",
        title="junction extended in a magnetic field, relations from tables",
        devices=("ExtendedJunction", "TabulatedRelation", "LongJunction"),
        example="extended/example.toml",
        source="extended/junction.py",
        holds=(
            "devices.extended.spectrum.SpectralRelation",
            "devices.extended.splines.SplineRelation",
            "devices.extended.tabulated.TableError",
        ),
    ),
    System(
        name="kapitza",
        title="parametrically driven junction",
        devices=("KapitzaJunction",),
        example="kapitza/example.toml",
        source="kapitza/junction.py",
    ),
    System(
        name="andreev",
        title="nonequilibrium Andreev interferometer",
        devices=("AndreevInterferometer",),
        example="andreev/example.toml",
        source="andreev/interferometer.py",
        holds=("devices.andreev.interferometer.InterferometerRelation",),
    ),
    System(
        name="wire",
        title="phase-slip wire with valley polarisation",
        devices=("PhaseSlipWire",),
        example="wire/example.toml",
        source="wire/wire.py",
    ),
    System(
        name="usadel",
        title="spin-active junction with a strong ferromagnet",
        devices=("SpinActiveJunction", "SixHarmonicModel"),
        example="usadel/spin_active.toml",
        source="usadel/spin_active.py",
        holds=(
            "devices.usadel.spin.DirectSpinRelation",
            "devices.usadel.torus.SpinResolvedRelation",
        ),
    ),
    System(
        name="diffusive",
        title="diffusive SNS or SFS junction",
        devices=("DiffusiveJunction",),
        example="usadel/diffusive.toml",
        source="usadel/diffusive.py",
    ),
    System(
        name="shunted",
        title="any junction with a shunt, under microwaves",
        devices=("Shunted",),
        example="shunted.toml",
        source="../dynamics/shunted.py",
    ),
    System(
        name="circuit",
        title="circuit of any topology, with screening",
        devices=("Circuit", "LinearLink"),
        example="circuit.toml",
        source="../circuits/circuit.py",
    ),
)

NAMESPACES = ("andreev", "kapitza", "usadel", "wire")  # what belongs to one system alone

__getattr__ = lazy_loader.attach(__name__, submodules=NAMESPACES)[0]
