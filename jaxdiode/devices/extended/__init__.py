"""Junctions extended across a magnetic field, and relations known as tables."""

from .junction import ExtendedJunction as ExtendedJunction
from .long import LongJunction as LongJunction
from .tabulated import TabulatedRelation as TabulatedRelation
