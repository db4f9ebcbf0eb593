"""From circuits in SI units to junctions with a shunt, and back."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _checks, units
from .._checks import Numbers
from ..core.device import AbstractPhaseBiased
from ..core.parameters import AbstractParameters, parameter
from .drive import Drive
from .shunted import Shunted

Scalar = Float[Array, ""]

_FREQUENCIES = 1e3  # of the junction's own: what is further away is in another unit
_CURRENTS = 1e6  # of max|I|, likewise


class CircuitScale(AbstractParameters):
    """Units of current, time and voltage of a junction circuit, shunts included.

    With capacitance τ = ω_p t, ω_p = √(2πI₀/Φ₀C), β = 1/(RCω_p), voltages in ħω_p/2e (plasma
    units); without τ = 2πI₀R t/Φ₀ and voltages in I₀R. 10 nA with 1 pF: f_p = 0.88 GHz.

    I₀ is the unit of the device's currents, and ω_p and β belong to it, not to a critical current:
    for a device whose parameters are in nA take `CircuitScale.in_units_of("nA", …)`. β_c of a
    critical current is `stewart_mccumber`.

    Args:
        critical_current: reference current I₀ (A), the device's unit of current; for a symmetric
            double loop the paper takes the sum of the outer two.
        capacitance: total, of all branches (F); None for a negligible one.
        resistance: of all shunts in parallel (Ω).

    Raises:
        ValueError: values that are not positive.

    Example:
        >>> scale = jd.CircuitScale(10e-9, capacitance=1e-12, resistance=360)
        >>> print(f"{scale.plasma_frequency / 1e9:.6f} GHz, damping {scale.damping:.6f}")
        0.877308 GHz, damping 0.503924
        >>> print(f"{scale.noise(0.05):.6f} {scale.volts(0.5) * 1e6:.6f} µV")  # 50 mK, ⟨φ'⟩ = 0.5
        0.209758 0.907064 µV
        >>> squid = jd.Squid.from_pairs([(420, 80), (380, 90)], flux=[0.3])  # nA
        >>> scale = jd.CircuitScale.in_units_of("nA", resistance=50, capacitance=50e-15)
        >>> driven = scale.shunted(squid, frequency=5e9, amplitude=100)
        >>> print(f"{driven.damping:.6f}, β_c of 160 nA: {scale.stewart_mccumber(160):.6f}")
        51.311284, β_c of 160 nA: 0.060771
    """

    critical_current: Scalar = parameter(above=0.0, unit="A", label="reference current I₀")
    capacitance: Scalar | None = parameter(above=0.0, unit="F", label="capacitance")
    resistance: Scalar = parameter(above=0.0, unit="Ω", label="resistance")

    def __init__(
        self,
        critical_current: Numbers,
        capacitance: Numbers | None = None,
        *,
        resistance: Numbers,
    ):
        self.critical_current = self.checked("critical_current", critical_current)
        some = capacitance is not None
        self.capacitance = self.checked("capacitance", capacitance, 0) if some else None
        self.resistance = self.checked("resistance", resistance)

    @classmethod
    def in_units_of(
        cls,
        current: str,
        *,
        resistance: Numbers | None = None,
        capacitance: Numbers | None = None,
        quality: Numbers | None = None,
        plasma_frequency: Numbers | None = None,
        critical_current: Numbers | None = None,
    ) -> "CircuitScale":
        """For a device whose currents are in nA, µA, …: I₀ is one of them.

        What is known of the circuit is one of

        - the resistance, where the capacitance is negligible,
        - resistance and capacitance,
        - resistance and quality factor, Q² = β_c = 2πI_cR²C/Φ₀, of a critical current I_c,
        - plasma frequency and quality factor of a critical current.

        Args:
            current: the unit: A, mA, uA, nA or pA.
            resistance: R (Ω).
            capacitance: C (F).
            quality: Q of the critical current named.
            plasma_frequency: f_p of the critical current named (Hz).
            critical_current: I_c in the unit, with `quality` only.

        Raises:
            ValueError: an unknown unit, another choice of these numbers, not positive.

        Example:
            >>> scale = jd.CircuitScale.in_units_of(
            ...     "nA", resistance=50, quality=3, critical_current=400
            ... )
            >>> print(f"{1e12 * scale.capacitance:.6f} pF, {scale.stewart_mccumber(400):.6f}")
            2.961954 pF, 9.000000
        """
        given = {
            name: _checks.positive(name, value)
            for name, value in (
                ("resistance", resistance),
                ("capacitance", capacitance),
                ("quality", quality),
                ("plasma_frequency", plasma_frequency),
                ("critical_current", critical_current),
            )
            if value is not None
        }
        unit = units.amperes(1.0, current=current)
        known = set(given)
        if known <= {"resistance", "capacitance"} and "resistance" in known:
            return cls(unit, given.get("capacitance"), resistance=given["resistance"])
        if known == {"resistance", "quality", "critical_current"}:
            ohm, most = given["resistance"], given["critical_current"] * unit
            root = given["quality"] / ohm
            return cls(unit, units.flux_quantum / (2 * np.pi) * root**2 / most, resistance=ohm)
        if known == {"plasma_frequency", "quality", "critical_current"}:
            omega, most = 2 * np.pi * given["plasma_frequency"], given["critical_current"] * unit
            farad = 2 * np.pi * most / (units.flux_quantum * omega**2)
            return cls(unit, farad, resistance=given["quality"] / (omega * farad))
        raise ValueError(
            "a circuit must be known by resistance alone (C = 0), resistance and capacitance, or "
            "quality and critical_current with resistance or plasma_frequency, got "
            f"{', '.join(given) or 'nothing'}"
        )

    @property
    def plasma_frequency(self) -> Scalar:
        """f_p = ω_p/2π of I₀ (Hz)."""
        if self.capacitance is None:
            raise ValueError("capacitance must be a number for a plasma frequency, got None")
        ratio = self.critical_current / (2 * jnp.pi * units.flux_quantum * self.capacitance)
        return jnp.sqrt(ratio)

    @property
    def unit_frequency(self) -> Scalar:
        """One over 2π units of time (Hz): f_p, or I₀R/Φ₀ without capacitance."""
        if self.capacitance is None:
            return self.critical_current * self.resistance / units.flux_quantum
        return self.plasma_frequency

    @property
    def damping(self) -> Scalar | None:
        """β; None without capacitance."""
        if self.capacitance is None:
            return None
        return 1 / (2 * jnp.pi * self.plasma_frequency * self.resistance * self.capacitance)

    def stewart_mccumber(self, critical_current: Numbers) -> Array:
        """β_c = 2πI_cR²C/Φ₀ = Q² of a critical current in units of I₀; 0 without capacitance."""
        current = _checks.real_array("critical_current", critical_current, at_least=0.0)
        damping = self.damping
        return 0 * current if damping is None else current / damping**2

    def amperes(self, current: Numbers) -> Array:
        """Dimensionless current → A."""
        return _checks.real_array("current", current) * self.critical_current

    def volts(self, voltage: Numbers) -> Array:
        """Dimensionless voltage ⟨φ'⟩ → V: times Φ₀f_p, or I₀R without capacitance."""
        scale = units.flux_quantum * self.unit_frequency
        return _checks.real_array("voltage", voltage) * scale

    def seconds(self, time: Numbers) -> Array:
        """Dimensionless time τ → s."""
        return _checks.real_array("time", time) / (2 * jnp.pi * self.unit_frequency)

    def hertz(self, drive_frequency: Numbers) -> Array:
        """Ω → Hz."""
        return _checks.real_array("drive_frequency", drive_frequency) * self.unit_frequency

    def per_second(self, rate: Numbers) -> Array:
        """A rate per unit of time, of escape or of a ramp → per second."""
        return _checks.real_array("rate", rate) * (2 * jnp.pi * self.unit_frequency)

    def in_circuit_units(
        self,
        *,
        resistance: Numbers | None = None,
        capacitance: Numbers | None = None,
        inductance: Numbers | None = None,
    ) -> dict[str, Array]:
        """Ω, F and H → what elements of a `Circuit` take: R/R₀, 2πI₀R₀²C/Φ₀ and I₀L/Φ₀.

        R₀ is the resistance of this scale, which has no capacitance: the unit of time of a circuit
        is Φ₀/2πI₀R₀, whatever its capacitances are. A drive in Hz is `drive(frequency, …)`, its
        noise `noise(temperature)`, its volts `volts(voltage)`.

        Raises:
            ValueError: a scale with capacitance, numbers that are not positive.

        Example:
            >>> scale = jd.CircuitScale.in_units_of("uA", resistance=10)
            >>> found = scale.in_circuit_units(resistance=20, inductance=600e-12)
            >>> print(f"{found['resistance']:.1f} {found['inductance']:.6f}")
            2.0 0.290159
            >>> squid = jd.Squid([jd.TunnelJunction(1.0)] * 2, 0.3, inductance=[0.3, 0.1])
            >>> shunts = scale.in_circuit_units(resistance=10, capacitance=50e-15)
            >>> circuit = squid.circuit(**shunts)  # two shunts of 10 Ω: it moves in time
            >>> print(f"{circuit.elements['J0'].capacitance:.6f}")
            0.015193
        """
        if self.capacitance is not None:
            raise ValueError(
                "scale must be one without capacitance, CircuitScale(I₀, resistance=R₀): the "
                "junctions of a circuit have capacitances of their own"
            )
        flux = units.flux_quantum
        factors = {
            "resistance": (resistance, 1 / self.resistance),
            "capacitance": (
                capacitance, 2 * jnp.pi * self.critical_current * self.resistance**2 / flux
            ),
            "inductance": (inductance, self.critical_current / flux),
        }  # fmt: skip
        return {
            name: _checks.real_array(name, value, at_least=0.0) * factor
            for name, (value, factor) in factors.items()
            if value is not None
        }

    def noise(self, temperature: Numbers) -> Array:
        """γ = 2ek_BT/ħ in units of I₀ at a temperature in K: k_BT/E_J of a critical current I₀."""
        energy = units.josephson_energy(self.critical_current, current="A", energy="J")
        kelvin = _checks.real_array("temperature", temperature, at_least=0.0)
        return units.boltzmann * kelvin / energy

    def ramp_rate(self, rate: Numbers) -> Array:
        """A ramp of the bias in units of I₀ per second → di/dτ, as ramps and histograms take it."""
        return _checks.real_array("rate", rate) / (2 * jnp.pi * self.unit_frequency)

    def drive(
        self,
        frequency: Numbers,
        *,
        amplitude: Numbers | None = None,
        power: Numbers | None = None,
        impedance: Numbers | None = None,
        phase: Numbers = 0.0,
    ) -> Drive:
        """An alternating current; arguments as in `shunted`."""
        if (amplitude is None) == (power is None):
            both = "neither" if power is None else "both"
            raise ValueError(f"a drive must have an amplitude or a power, got {both}")
        if (power is None) != (impedance is None):
            raise ValueError(
                "power and impedance must be given together: the amplitude a of a power P is that "
                "of P = a²Z/2"
            )
        if power is not None and impedance is not None:
            ampere = units.drive_amplitude(power, impedance=impedance, current="A")
            amplitude = ampere / self.critical_current
        assert amplitude is not None
        hertz = _checks.positive("frequency", frequency)
        return Drive(hertz / self.unit_frequency, amplitude, phase=phase)

    def shunted(
        self,
        device: AbstractPhaseBiased,
        *,
        frequency: Numbers | None = None,
        amplitude: Numbers | None = None,
        power: Numbers | None = None,
        impedance: Numbers | None = None,
        phase: Numbers = 0.0,
    ) -> Shunted:
        """The device with this resistance and capacitance, and with a drive if it has a frequency.

        Args:
            device: phase-biased, its currents in units of I₀.
            frequency: of the drive (Hz).
            amplitude: of the alternating current, in units of I₀ as all of the device's currents;
                a list of harmonics too.
            power: in its place, at the device (dBm).
            impedance: that the power belongs to, P = a²Z/2 (Ω).
            phase: of each harmonic (radians).

        Raises:
            ValueError: no number or two for one thing; a frequency or a current so far from those
                of the device that it is in another unit.

        Example:
            >>> scale = jd.CircuitScale.in_units_of("nA", resistance=50)
            >>> driven = scale.shunted(
            ...     jd.TunnelJunction(400), frequency=5e9, power=-85, impedance=50
            ... )
            >>> print(f"{driven.drive.amplitude[0]:.3f} nA, Ω = {driven.drive.frequency:.3f}")
            355.656 nA, Ω = 206.783
            >>> steps = jd.shapiro_steps(driven, [1])
            >>> print(f"{scale.volts(steps.voltage[0]) * 1e6:.6f} µV")  # hf/2e
            10.339169 µV
        """
        if frequency is None:
            if any(x is not None for x in (amplitude, power, impedance)):
                raise ValueError("frequency must be given for a drive, got None")
            return Shunted(device, self.damping)
        drive = self.drive(
            frequency, amplitude=amplitude, power=power, impedance=impedance, phase=phase
        )
        made = Shunted(device, self.damping, drive=drive)
        if _checks.all_concrete((self, made)):
            self._require_si(made, float(np.asarray(frequency)))
        return made

    def _require_si(self, made: Shunted, hertz: float) -> None:
        """Numbers that no such device follows are of another unit."""
        assert made.drive is not None
        size = float(made.typical_current())
        if not size:
            return
        own = float(self.unit_frequency) * (size if made.is_overdamped else size**0.5)
        if not own / _FREQUENCIES <= hertz <= own * _FREQUENCIES:
            raise ValueError(
                "frequency must be in Hz, within a factor of 1000 of the junction's own "
                f"{own:.4g} Hz, got {hertz:.4g}"
            )
        amplitudes = made.drive.amplitude if isinstance(made.drive, Drive) else made.drive.size()
        for amplitude in np.abs(np.atleast_1d(np.asarray(amplitudes))):
            if amplitude and not size / _CURRENTS <= amplitude <= size * _CURRENTS:
                unit = float(self.critical_current)
                raise ValueError(
                    f"amplitude must be in the device's unit of current, {unit:g} A, within a "
                    f"factor of 10⁶ of its largest current {size:.4g}, got {amplitude:.4g}"
                )
