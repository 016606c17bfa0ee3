"""Movements before and after operators of all kinds, and what these operators are made of."""

from itertools import chain

from support.random.data_movement.gathers import GATHERS_OF_MOVED, MOVED_GATHERS
from support.random.data_movement.joins import CONCATS_OF_MOVED, MOVED_CONCATS, SLICES_OF_MERGED
from velatune.testing.random.kinds import Kind
from velatune.testing.random.movements import AFTER, BEFORE

BEFORE_ANY: Kind = [*CONCATS_OF_MOVED, *GATHERS_OF_MOVED, *SLICES_OF_MERGED, *chain(*BEFORE.values())]
AFTER_ANY: Kind = [*MOVED_CONCATS, *MOVED_GATHERS, *chain(*AFTER.values())]
