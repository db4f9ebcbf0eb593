"""Two files of an undocumented interferometer: joined, read, and four models weighed against each
other by their evidence. No adequate model is known; what is asserted is what any reading shows."""

import numpy as np
import pytest

import jaxdiode as jd
from tests.helpers import slow


@pytest.fixture(scope="module")
def measured(shared):
    """I₊ and I₋ in µA against the field in µT."""
    files = [shared / f"data/diode_vs_field/kay164Ic{sign}.csv" for sign in "+-"]
    both = [jd.lab.read(file, units={"y_field": "T", "Ic": "A"}) for file in files]
    joined = jd.lab.join(both, along="polarity", labels=["plus", "minus"])
    return jd.lab.in_units(joined, {"y_field": "uT", "Ic": "uA"})


def test_what_any_reading_shows(measured):
    assert measured.Ic.dims == ("polarity", "y_field")
    assert measured.Ic.shape == (2, 501)
    field, plus, minus = jd.lab.directions(measured)
    assert (field[0], field[-1]) == pytest.approx((2850, 2950))
    efficiency = (plus - minus) / (plus + minus)
    assert efficiency.min() == pytest.approx(-0.14, abs=0.01)
    assert efficiency.max() == pytest.approx(0.35, abs=0.01)
    found = jd.lab.flux_period(measured)
    print(f"\n{found.summary()}")
    assert found.period == pytest.approx(9.5, abs=0.3)
    assert found.mean_difference == pytest.approx(0.40, abs=0.05)
    assert found.mean_difference_error < 0.1
    assert "either a bias offset" in found.summary()


def interferometer(first, second):
    return jd.CoilBiasedSquid(jd.Squid([first, second], flux=[0]), [0.1055], offset=2899)


def models():
    """{name: Space}; flat priors, alike for what the models share."""
    tunnel = interferometer(jd.TunnelJunction(0.45), jd.TunnelJunction(1.2))
    harmonic = interferometer(
        jd.Harmonics([0.45, 0.0], [0.0, 0.0]), jd.Harmonics([1.2, 0.1], [0.0, 0.1])
    )
    reciprocal = jd.replace(harmonic, {"squid.branches.1.cosine.1": 0.0})
    shared = {"turns.0": (0.1, 0.111), "offset": (2894.0, 2903.0)}
    sines = {"squid.branches": (0.05, 3.0)} | shared
    harmonics = {
        "squid.branches.*.sine.0": (0.05, 3.0), "squid.branches.*.sine.1": (-1.0, 1.0)
    } | shared  # fmt: skip
    offset = {"current_offset": (-1.0, 1.0)}
    return {
        "sinusoidal": jd.Space(tunnel, sines),
        "sinusoidal, bias offset": jd.Space(tunnel, sines | offset),
        "second harmonics, bias offset": jd.Space(reciprocal, harmonics | offset),
        "intrinsic diode": jd.Space(
            harmonic, harmonics | {"squid.branches.1.cosine.1": (-1.0, 1.0)}
        ),
    }


THIN = slice(None, None, 10)  # 2 µT: neighbouring residuals of the better models then hardly know


def model(device, field):
    return device.switching_currents(field)


@pytest.mark.thorough
def test_fits_in_order(measured):
    """By what they leave: a sine needs an offset, second harmonics do better, and a phase of one of
    them does as well as the offset."""
    field, plus, minus = (column[THIN] for column in jd.lab.directions(measured))
    rms = {}
    for name, space in models().items():
        found = jd.fit(
            model, space, (plus, minus), arguments=[field], along=field, starts=1, progress=False
        )
        rms[name] = found.rms
        print(f"{name}: rms {found.rms:.4f} µA, neighbours {found.correlation}")
    ordered = sorted(rms, key=rms.get)
    assert set(ordered[:2]) == {"second harmonics, bias offset", "intrinsic diode"}
    assert ordered[2:] == ["sinusoidal, bias offset", "sinusoidal"]
    assert rms["sinusoidal"] == pytest.approx(0.294, abs=0.005)
    assert rms["sinusoidal, bias offset"] == pytest.approx(0.222, abs=0.005)
    assert all(rms[name] == pytest.approx(0.165, abs=0.004) for name in ordered[:2])


# ---- Evidence


def laplace(found, space):
    """ln of the evidence in Laplace's Gaussian, σ unknown with prior 1/σ over a range of 10⁷."""
    count, d = found.residuals.size, len(found.values) + 1
    best = -count / 2 * (np.log(2 * np.pi * found.rms**2) + 1)
    covariance = found.covariance * found.degrees_of_freedom / count
    volume = np.linalg.slogdet(covariance)[1] / 2 - np.log(2 * count) / 2
    prior = -np.sum(np.log(np.asarray(space.upper - space.lower))) - np.log(np.log(1e7))
    return best + d / 2 * np.log(2 * np.pi) + volume + prior


def remembering(found):
    """ln of the largest likelihood of the residuals, σ and ρ of a first-order autoregression."""
    rows, best = found.residuals.reshape(2, -1), -np.inf
    for rho in np.linspace(0, 0.99, 200):
        first, rest = np.sqrt(1 - rho**2) * rows[:, 0], rows[:, 1:] - rho * rows[:, :-1]
        power = (np.sum(first**2) + np.sum(rest**2)) / rows.size
        value = -rows.size / 2 * (np.log(2 * np.pi * power) + 1) + np.log(1 - rho**2)
        best = max(best, value)
    return best


@slow
def test_evidence_in_order(measured):
    """Second harmonics beat sines, and sines without an offset are worst, by 20 and more; an
    offset and an intrinsic diode cannot be told apart. Noise that remembers leaves a few per cent
    of the one difference and a sixth of the other, of all 501 points."""
    evidence, likelihood = {}, {}
    for step in (10, 1):
        field, plus, minus = (x[::step] for x in jd.lab.directions(measured))
        for name, space in models().items():
            found = jd.fit(
                model, space, (plus, minus), arguments=[field], along=field, starts=1,
                progress=False,
            )  # fmt: skip
            evidence[step, name] = laplace(found, space)
            likelihood[step, name] = remembering(found)
            print(f"{step} {name}: {evidence[step, name]:.1f} {likelihood[step, name]:.1f}")
    worst, offset, second, intrinsic = models()
    for step in (10, 1):
        assert abs(evidence[step, second] - evidence[step, intrinsic]) < 3
        assert min(evidence[step, second], evidence[step, intrinsic]) > evidence[step, offset] + 18
        assert evidence[step, offset] > evidence[step, worst] + 18
    for better, less, plain, memory in ((offset, worst, 299, 8), (second, offset, 271, 45)):
        assert evidence[1, better] - evidence[1, less] == pytest.approx(plain, abs=6)
        assert likelihood[1, better] - likelihood[1, less] == pytest.approx(memory, abs=3)


@slow
def test_evidence_by_particles(measured):
    """Of the sines, whose two labels count twice in Laplace's Gaussian."""
    pytest.importorskip("blackjax")
    field, plus, minus = (column[THIN] for column in jd.lab.directions(measured))
    space = models()["sinusoidal"]
    found = jd.fit(model, space, (plus, minus), arguments=[field], along=field, progress=False)
    drawn = jd.sample_posterior(
        model, space, (plus, minus), arguments=[field], along=field, method="smc", chains=2,
        draws=128, moves=20, predictions=20, key=0, progress=False,
    )  # fmt: skip
    wanted = laplace(found, space) + np.log(2)
    print(f"\nby particles {drawn.log_evidence:.2f} ± {drawn.log_evidence_error:.2f}, {wanted:.2f}")
    assert drawn.log_evidence == pytest.approx(wanted, abs=2)
