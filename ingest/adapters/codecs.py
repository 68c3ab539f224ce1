"""The one table of payload decoders by codec name; `parking.devices` describes each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ingest.adapters import (
    bosch_tps110,
    dingtek_do20x,
    libelium_smart_parking,
    netvox_r719a,
    nwave_nps405,
    parking_v1,
    pni_placepod,
    tekzitel_tekzipark,
)
from ingest.adapters.base import Codec

CODECS: Final[Mapping[str, Codec]] = MappingProxyType(
    {
        "parking-v1": parking_v1.decode,
        "bosch-tps110": bosch_tps110.decode,
        "pni-placepod": pni_placepod.decode,
        "nwave-nps405": nwave_nps405.decode,
        "libelium-smart-parking": libelium_smart_parking.decode,
        "dingtek-do20x": dingtek_do20x.decode,
        "netvox-r719a": netvox_r719a.decode,
        "tekzitel-tekzipark": tekzitel_tekzipark.decode,
    }
)
