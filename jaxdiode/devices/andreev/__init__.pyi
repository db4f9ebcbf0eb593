"""Names of `jaxdiode.andreev`, each loaded when it is first used."""

from .interferometer import InterferometerCoefficients as InterferometerCoefficients
