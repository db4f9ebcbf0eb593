from .describe import describe as describe
from .join import in_units as in_units
from .join import join as join
from .read import read as read
