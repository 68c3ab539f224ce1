"""The one table of payload decoders by codec name; `parking.devices` describes each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ingest.adapters import bosch_tps110, parking_v1, pni_placepod
from ingest.adapters.base import Codec

CODECS: Final[Mapping[str, Codec]] = MappingProxyType(
    {
        "parking-v1": parking_v1.decode,
        "bosch-tps110": bosch_tps110.decode,
        "pni-placepod": pni_placepod.decode,
    }
)
