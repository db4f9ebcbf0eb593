"""The evidence of linear models with normal priors, which is a Gaussian of the data themselves."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd
from jaxdiode import progress
from jaxdiode.inverse import Normal
from jaxdiode.studies.posterior import smc

pytest.importorskip("blackjax")

X = np.linspace(-1.0, 2.0, 25)
SIGMA, WIDTH = 0.2, 1.0
Y = 1.3 * np.sin(X) + SIGMA * np.random.default_rng(4).normal(size=X.size)
INF = np.inf


def model(device):
    return device.current(jnp.asarray(X))


def sample(harmonics, space=None, **options):
    """One harmonic or two: the question whether a second is there."""
    device = jd.Harmonics([0.5] * harmonics)
    space = space or jd.Space(device, {"sine": (-INF, INF)})
    given = dict(
        method="smc",
        chains=4,
        draws=1000,
        key=2,
        prior={"sine": Normal(0.0, WIDTH)},
        progress=False,
    )
    return jd.sample_posterior(model, space, Y, SIGMA, **(given | options))


def exact(harmonics):
    design = np.sin(np.outer(X, np.arange(1, harmonics + 1)))
    covariance = SIGMA**2 * np.eye(X.size) + WIDTH**2 * design @ design.T
    return stats.multivariate_normal(cov=covariance).logpdf(Y)


@pytest.fixture(scope="module")
def found():
    return {n: sample(n) for n in (1, 2)}


@pytest.mark.thorough
@pytest.mark.parametrize("harmonics", [1, 2])
def test_evidence(found, harmonics):
    one = found[harmonics]
    print(f"\nln evidence {one.log_evidence:.3f} ± {one.log_evidence_error:.3f}, "
          f"exact {exact(harmonics):.3f}")  # fmt: skip
    assert one.log_evidence_error < 0.15
    off = abs(one.log_evidence - exact(harmonics))
    assert off < 4 * max(one.log_evidence_error, 0.02)


@pytest.mark.thorough
def test_which_model(found):
    """Occam: the second harmonic explains nothing, and costs what its prior is wide."""
    ratio = found[1].log_evidence - found[2].log_evidence
    assert ratio == pytest.approx(exact(1) - exact(2), abs=0.3)
    assert ratio > 0.5


@pytest.mark.thorough
def test_particles_are_draws(found):
    one = found[2]
    design = np.sin(np.outer(X, [1, 2]))
    covariance = np.linalg.inv(design.T @ design / SIGMA**2 + np.eye(2) / WIDTH**2)
    mean = covariance @ design.T @ Y / SIGMA**2
    deviation = np.sqrt(np.diag(covariance))
    assert np.allclose(one.mean, mean, atol=0.2 * deviation.max())
    assert np.allclose(one.deviation, deviation, rtol=0.12)
    assert one.temperatures[-1] == 1
    assert "ln evidence" in one.summary()
    values = one.samples[1, 5]
    expected = stats.norm(0, SIGMA).logpdf(Y - design @ values).sum()
    assert one.log_likelihood[1, 5] == pytest.approx(expected, rel=1e-9)


@pytest.mark.thorough
def test_a_prior_of_rows_is_normalised():
    """The same normal prior as a function of its parameters: inside wide bounds, the same."""

    def rows(values):
        return values / WIDTH

    space = jd.Space(jd.Harmonics([0.5]), {"sine": (-20.0, 20.0)})
    one = sample(1, space, prior={"sine": rows})
    assert one.log_evidence == pytest.approx(exact(1), abs=0.3)


@pytest.mark.thorough
@pytest.mark.parametrize("deviation", [0.2, 1e-3])
def test_evidence_with_unknown_noise(deviation):
    """Down to a thousandth of the data's scatter. Powers of the likelihood alone, whose σ falls at
    one of them by all of that, leave the evidence too low by e^79 in seven unknowns."""
    random, design = np.random.default_rng(7), np.sin(np.outer(X, np.arange(1, 8)))
    data = design @ random.normal(size=7) + deviation * random.normal(size=X.size)
    space = jd.Space(jd.Harmonics([0.5] * 7), {"sine": (-INF, INF)})
    one = jd.sample_posterior(
        model, space, data, method="smc", prior={"sine": Normal(0.0, WIDTH)}, chains=3, draws=300,
        sigma_range=(1e-5, 10.0), key=0, progress=False,
    )  # fmt: skip
    axes, stretch, _ = np.linalg.svd(design)
    power = (axes.T @ data) ** 2
    prior = np.append(WIDTH**2 * stretch**2, np.zeros(X.size - 7))
    logarithm = np.linspace(np.log(1e-5), np.log(10.0), 20001)
    variance = np.exp(2 * logarithm)[:, None] + prior
    curve = -0.5 * np.sum(power / variance + np.log(2 * np.pi * variance), axis=1)
    wanted = curve.max() + np.log(np.mean(np.exp(curve - curve.max())))
    print(f"\n{one.log_evidence:.2f} ± {one.log_evidence_error:.2f}, exact {wanted:.2f}")
    assert one.log_evidence_error < 0.6
    assert one.log_evidence == pytest.approx(wanted, abs=1.0)
    assert "from 3 runs, which tell this error to 50%" in one.summary()
    assert not any("sampled σ" in text for text in one.warnings)


@pytest.mark.thorough
def test_few_particles_collapse():
    """In eight unknowns onto a σ a hundred times too small, which they take for certain: of one
    run R̂ says nothing, but residuals are what the sampled σ never leaves."""
    random, design = np.random.default_rng(7), np.sin(np.outer(X, np.arange(1, 8)))
    data = design @ random.normal(size=7) + 0.01 * random.normal(size=X.size)
    one = jd.sample_posterior(
        model, jd.Space(jd.Harmonics([0.5] * 7), {"sine": (-5.0, 5.0)}), data, method="smc",
        chains=1, draws=40, moves=3, key=0, progress=False,
    )  # fmt: skip
    mean, deviation = one.parameters["sigma"]
    assert mean < 1e-3
    assert deviation < 1e-4 * mean
    (said,) = [text for text in one.warnings if "times the sampled σ" in text]
    ratio = np.sqrt(np.mean((one.prediction - data) ** 2)) / mean
    assert float(said.split()[2]) == pytest.approx(ratio, rel=0.02)
    assert "more particles (draws=)" in said
    assert any("one run of particles does not show" in text for text in one.warnings)
    assert not any("did NOT mix" in text for text in one.warnings)
    assert np.all(np.isnan(one.rhat))
    assert one.status == jd.Status.CHAINS_NOT_MIXED
    head, *rest = one.summary().splitlines()
    assert "error not known from one run" in head
    (row,) = [line for line in rest if line.startswith("  sigma ")]
    assert "—" in row


def test_runs_that_do_not_agree_on_the_evidence(found):
    assert "from 4 runs, which tell this error to 41%" in found[1].summary()
    assert not any("evidence" in text for text in found[1].warnings)
    logs = (100.2, 103.74)
    value, error = smc.agreed(np.array(logs))
    assert value == pytest.approx(103.74 + np.log((1 + np.exp(-3.54)) / 2))
    assert np.isnan(error)  # 0.94, whatever the distance: 1 at most from any two runs
    apart = dataclasses.replace(
        found[1], log_evidence=value, log_evidence_error=error, log_evidences=logs
    )
    (said,) = [x for x in apart.warnings if "evidence" in x]
    assert "differs by factors (ln 100.20 to 103.74 in 2 runs): its error is not known" in said
    head, _ = apart.summary().split("\n", 1)
    assert head.endswith("ln evidence 103.08, error NOT known (ln 100.20 to 103.74 in 2 runs)")
    old = dataclasses.replace(apart, log_evidence_error=0.94, log_evidences=())  # of a file
    assert "error NOT known" in old.summary()


def test_the_error_of_an_evidence_between_runs():
    """Of the mean of Z, by its own definition; and none from one run."""
    evidence = np.array([1.0, 1.2, 0.9, 1.1])
    value, error = smc.agreed(np.log(evidence) - 40)
    assert value == pytest.approx(np.log(1.05) - 40)
    assert error == pytest.approx(np.std(evidence, ddof=1) / 2 / 1.05)
    assert np.isnan(smc.agreed(np.array([3.0]))[1])


def test_what_is_said_before_long_runs(capsys):
    """From three stages in which the power grew tenfold each: two more, and those at the end."""
    assert smc._to_come([1e-4, 1e-3, 1e-2]) == pytest.approx(2 + 3)
    progress.expect("posterior", 29.0, "")
    assert not capsys.readouterr().err
    progress.expect("posterior", 100.0, "5 s a stage")
    assert capsys.readouterr().err == "posterior: about 100 s to go, 5 s a stage\n"
    progress.expect("posterior", 7200.0, "5 s a stage")
    assert "2 hours to go" in capsys.readouterr().err


@pytest.mark.thorough
def test_both_modes_are_found():
    """A square does not know the sign: half of the particles in each mode, and no ordering."""

    def square(device):
        return device.sine[:1] ** 2 + jnp.zeros(3)

    space = jd.Space(jd.Harmonics([1.0, 0.0]), {"sine.0": (-3.0, 3.0)})
    one = jd.sample_posterior(
        square, space, np.ones(3), 0.1, method="smc", draws=300, key=0, progress=False
    )
    share = np.mean(one.samples > 0, axis=(1, 2))
    assert np.all((share > 0.3) & (share < 0.7))


@pytest.mark.thorough
def test_nothing_of_the_likelihood_is_left():
    space = jd.Space(jd.Harmonics([0.5]), {"sine": (-1.0, 1.0)})

    def model(device):
        return jnp.where(jnp.abs(device.sine[0] - 0.5) < 1e-9, 1.0, jnp.nan) * device.current(
            jnp.asarray(X)
        )

    with pytest.raises(ValueError, match="the prior must leave something of the likelihood"):
        jd.sample_posterior(
            model, space, Y, SIGMA, method="smc", chains=1, draws=50, key=0, progress=False
        )
