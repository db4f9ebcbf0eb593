"""Interferometers: any number of branches in parallel, and as they are measured."""

from .interferometer import CoilBiasedSquid as CoilBiasedSquid
from .interferometer import Squid as Squid
