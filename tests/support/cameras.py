"""Messages as cameras of each vendor send them: the forms are real, the values invented for the tests."""

import json
from typing import Any

PLATE = "J77 ABC"

FRIGATE_EVENT = {
    "type": "update",
    "before": {},
    "after": {
        "id": "1772625570.1-abc",
        "camera": "cam-7",
        "frame_time": 1772625570.25,
        "false_positive": False,
        "recognized_license_plate": PLATE,
        "recognized_license_plate_score": 0.91,
    },
}
FRIGATE_UPDATE = {
    "type": "lpr",
    "id": "1772625570.1-abc",
    "camera": "cam-7",
    "plate": PLATE,
    "score": 0.91,
    "timestamp": 1772625570.25,
}
ANPR2MQTT = {
    "target": "J77ABC",
    "target_type": "plate",
    "plate": "J77ABC",
    "vehicle_direction": "Reverse",
    "camera": "cam-7",
    "event_time": "2026-03-04T11:59:30.000250+00:00",
    "reg_info": None,
}
AXIS_PUSH = {
    "packetCounter": "12",
    "capture_timestamp": "1772625570250",
    "datetime": "20260304 115930250",
    "plateText": PLATE,
    "plateUTF8": PLATE,
    "plateConfidence": "0.91",
    "carState": "new",
    "carMoveDirection": "unknown",
    "carID": "4711",
    "camera_info": {"SerialNumber": "cam-7"},
    "ImageArray": [{"BinaryImage": "/9j/4AAQ"}],
}
AXIS_EVENT = {
    "topic": "axis:CameraApplicationPlatform/ALPV.AllPlates",
    "timestamp": 1772625570250,
    "serial": "cam-7",
    "message": {
        "source": {},
        "data": {
            "carID": "4711",
            "carState": "lost",
            "carMoveDirection": "out",
            "text": PLATE,
            "capture_timestamp": "1772625570250",
        },
    },
}
DAHUA_EVENT: dict[str, Any] = {
    "Action": "Pulse",
    "Code": "TrafficJunction",
    "Data": {
        "CommInfo": {"SnapCategory": "Motor"},
        "EventID": 9,
        "GroupID": 4711,
        "Lane": 2,
        "JunctionDirection": "Reverse",
        "LocaleTime": "2026-03-04 19:59:30",
        "Object": {"ObjectType": "Plate", "Text": PLATE, "Confidence": 204},
        "RealUTC": 1772625570,
        "TrafficCar": {"MachineName": "cam-7", "DrivingDirection": ["Approach", "in", "out"]},
        "UTC": 1772654370,
    },
}
DAHUA_STREAM = {
    "id": 1,
    "method": "client.notifyEventStream",
    "params": {"SID": 5, "eventList": [DAHUA_EVENT]},
}
DAHUA_PUSH = {
    "Picture": {
        "Plate": {"PlateNumber": PLATE, "Confidence": 91},
        "SnapInfo": {"AccurateTime": "2026-03-04 11:59:30", "DeviceID": "cam-7", "Direction": "Obverse"},
    }
}
PLATE_RECOGNIZER: dict[str, Any] = {
    "hook": {"id": "cam-7", "event": "recognition"},
    "data": {
        "camera_id": "cam-7",
        "timestamp": "2026-03-04T11:59:30.25Z",
        "results": [{"plate": "j77abc", "score": 0.91, "direction": 81}, {"plate": "", "score": 0.1}],
    },
}
OPENALPR_RESULTS = {
    "uuid": "a-1",
    "camera_id": 7,
    "epoch_time": 1772625570,
    "results": [{"plate": "J77ABC", "confidence": 91.0}, {"plate": "K88DEF", "confidence": 50}],
}
OPENALPR_GROUP = {
    "data_type": "alpr_group",
    "camera_id": 7,
    "best_uuid": "a-1",
    "epoch_start": 1772625570250,
    "best_plate_number": "J77ABC",
    "best_confidence": 91.0,
}
MILESIGHT = {
    "device": "cam-7",
    "time": "2026-03-04 11:59:30",
    "plate": PLATE,
    "direction": "Approach",
    "roi_id": 2,
    "plate_image": "/9j/4AAQ",
}
GENETEC = {
    "CameraName": "cam-7",
    "ConfidenceScore": "91",
    "DateUtc": "03/04/2026",
    "TimeUtc": "11:59:30",
    "Plate": PLATE,
    "VehicleID": "0b0b8f8e-0000-4000-8000-000000000001",
    "Attributes": {"Relative Motion": "Moving Closer"},
    "ContextImage": "/9j/4AAQ",
}
SURVISION = {
    "anpr": {
        "@date": "1772625570250",
        "decision": {"@plate": "J77ABC", "@reliability": "91", "@context": "GB", "jpeg": "/9j/4AAQ"},
    }
}
VERKADA = {
    "org_id": "o",
    "webhook_type": "lpr",
    "created_at": 1772625572,
    "webhook_id": "w",
    "data": {
        "camera_id": "cam-7",
        "created": 1772625570,
        "detected": 1772625571250,
        "license_plate_number": "J77ABC",
        "confidence": 0.91,
    },
}
LILIN = {
    "LPR_COUNT": 1,
    "INFORMATION": [
        {"INDEX": 1, "TS": "1772625570250000", "CAR_ID": "4", "LPR": "J77ABC", "THRESHOLD": "0.91"},
    ],
}
OBJECTS: dict[str, dict[str, Any]] = {
    "frigate-event": FRIGATE_EVENT,
    "frigate-update": FRIGATE_UPDATE,
    "anpr2mqtt": ANPR2MQTT,
    "axis-push": AXIS_PUSH,
    "axis-event": AXIS_EVENT,
    "dahua-event": DAHUA_EVENT,
    "dahua-stream": DAHUA_STREAM,
    "dahua-push": DAHUA_PUSH,
    "plate-recognizer": PLATE_RECOGNIZER,
    "openalpr-results": OPENALPR_RESULTS,
    "openalpr-group": OPENALPR_GROUP,
    "milesight": MILESIGHT,
    "genetec": GENETEC,
    "survision": SURVISION,
    "verkada": VERKADA,
    "lilin": LILIN,
}

HIKVISION = f"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<macAddress>cam-7</macAddress><dateTime>2026-03-04T11:59:30+00:00</dateTime>
<eventType>ANPR</eventType><eventState>active</eventState>
<ANPR><licensePlate>{PLATE}</licensePlate><line>2</line><direction>reverse</direction>
<confidenceLevel>91</confidenceLevel><originalLicensePlate>{PLATE}</originalLicensePlate></ANPR>
<UUID>0b0b8f8e-0000-4000-8000-000000000001</UUID><isDataRetransmission>false</isDataRetransmission>
</EventNotificationAlert>"""
HIKVISION_METADATA = f"""<Metadata><subType>ANPR</subType><time>2026-03-04T11:59:30+00:00</time>
<DevInfo><macAddress>cam-7</macAddress></DevInfo><TargetDetection><TargetList>
<Target><targetID>1</targetID><PropertyList>
<Property><description>direction</description><value>forward</value></Property>
<Property><description>licensePlate</description><value>{PLATE}</value></Property>
<Property><description>confidence</description><value>91</value></Property></PropertyList></Target>
<Target><targetID>2</targetID><PropertyList>
<Property><description>licensePlate</description><value>K88 DEF</value></Property></PropertyList></Target>
</TargetList></TargetDetection></Metadata>"""
TATTILE = f"""<Msg><PLATE_STRING>{PLATE}</PLATE_STRING><DATE>2026-03-04</DATE><TIME>11-59-30-250</TIME>
<DEVICE_SN>cam-7</DEVICE_SN><OCRSCORE>910</OCRSCORE><DIRECTION>GOCLOSE</DIRECTION><LANE_ID>2</LANE_ID>
<IMAGE_OCR>/9j/4AAQ</IMAGE_OCR></Msg>"""
AXXON = f"""<CAR_PLATE version="1.0" direction="left" cam-id="cam-7" time="2026-03-04T11:59:30.25"
plate="{PLATE}" confidence="91" plateImage="/9j/4AAQ">/9j/4AAQ</CAR_PLATE>"""
DOCUMENTS = {
    "hikvision": HIKVISION,
    "hikvision-metadata": HIKVISION_METADATA,
    "tattile": TATTILE,
    "axxon": AXXON,
}

BODIES: dict[str, bytes] = {name: json.dumps(value).encode() for name, value in OBJECTS.items()} | {
    name: text.encode() for name, text in DOCUMENTS.items()
}


def form(*parts: tuple[str, bytes], boundary: bytes = b"b0") -> bytes:
    """A multipart body of these parts, each as its headers and its content."""
    return (
        b"".join(
            b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, headers.encode(), content) for headers, content in parts
        )
        + b"--%s--\r\n" % boundary
    )
