"""I₊ and I₋ of a joined dataset as the three columns that guesses and fits take."""

from typing import TYPE_CHECKING

from ..measurement.currents import MeasuredCurrents
from ..measurement.joined import joined_currents

if TYPE_CHECKING:
    import xarray


def directions(dataset: "xarray.Dataset", name: str | None = None) -> MeasuredCurrents:
    """(field, I₊, I₋) of critical currents in a dataset, such as `lab.join` makes it of two files.

    Either two quantities whose names say their direction ("Ic+" and "Ic-"), or one quantity along
    a dimension of two such labels ("plus" and "minus"). Rows are sorted by the field and those
    with a missing value left out; I₋ comes back as a magnitude. `lab.flux_period`, `lab.gate_map`
    and `jd.guess` take the dataset itself.

    Args:
        dataset: with one axis beside the directions.
        name: the quantity, where several have both directions.

    Raises:
        ValueError: no such quantity or several, more than one axis, currents that change sign or
            whose signs are exchanged.

    Example:
        >>> for polarity, sign in (("plus", 1), ("minus", -1)):
        ...     rows = [[0.0, 5.0], [0.1, 5.0 + sign], [0.2, 4.0]]
        ...     np.savetxt(f"{polarity}.csv", rows, delimiter=",", header="B (T),Ic (nA)")
        >>> both = [jd.lab.read(f"{polarity}.csv") for polarity in ("plus", "minus")]
        >>> measured = jd.lab.join(both, along="polarity", labels=["plus", "minus"])
        >>> field, plus, minus = jd.lab.directions(measured)
        >>> print(field, plus, minus)
        [0.  0.1 0.2] [5. 6. 4.] [5. 4. 4.]
    """
    return joined_currents(dataset, name)
