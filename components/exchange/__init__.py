"""What hosts hand each other: rows as parquet, pictures by hash, calls, in one folder or bucket that all of them reach.

Whoever computes gets a reference and gives one back; only the publisher opens the warehouse.
"""

from components.exchange.parcels import Parcels
from components.exchange.pictures import Pictures
from components.exchange.place import Place

__all__ = ["Parcels", "Pictures", "Place"]
