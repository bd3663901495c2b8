"""What outlives the process: one SQL database, and the key that seals what only we may read.

Above: the audit trail, the memory of the tool loop. Below: SQLAlchemy Core. Refuses to know: what runs, calls
and payloads mean.
"""

from gateway.store.credentials import Place, SealedCredentials
from gateway.store.database import Database, open_database
from gateway.store.first_sights import FirstSightings
from gateway.store.payloads import SealedPayloads
from gateway.store.provider_objects import ProviderObject, ProviderObjects
from gateway.store.sealed_states import SealedStates

__all__ = [
    "Database",
    "FirstSightings",
    "Place",
    "ProviderObject",
    "ProviderObjects",
    "SealedCredentials",
    "SealedPayloads",
    "SealedStates",
    "open_database",
]
