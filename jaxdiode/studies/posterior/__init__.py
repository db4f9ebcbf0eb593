"""Bayesian inference beside the fit: draws of parameters, and the evidence of a model."""

from .result import Posterior as Posterior
from .symmetry import interchangeable as interchangeable
from .verb import require_blackjax as require_blackjax
from .verb import sample_posterior as sample_posterior
