"""Who may do what at the real broker, with the configuration and the credentials that our commands make."""

import asyncio
import contextlib
import json
import shutil
import ssl
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiomqtt
import pytest

from firmware_protocol.codec import encode
from firmware_protocol.frames import FrameType, State, StateFrame
from parking.db.connect import connect
from tests.conftest import StartProcess
from tests.support.city import load, small_registry
from tests.support.polling import until
from tests.support.secured import SecuredMosquitto
from tests.support.services import Services

pytestmark = pytest.mark.mosquitto

OWN = "parking/v1/street-0/bay/sensor-0-0/up"
DOWN = "parking/v1/street-0/bay/sensor-0-0/down"
NOT_OWN = (
    "parking/v1/street-0/bay/sensor-0-1/up",
    "parking/v1/street-1/bay/sensor-0-0/up",
    "parking/v1/street-0/bay/sensor-0-0/up/x",
    "parking/v1/street-0/gateway/sensor-0-0/up",
    "parking/v1/castle-mews/anpr/cm-in/read",
    "parking/v1/street-0/availability",
    "parking/v1/street-0/sign/vms-0",
    "parking/v1/street-0/bay/sensor-0-1/down",
    DOWN,
    "v3/app@ttn/devices/sensor-0-0/up",
    "application/1/device/0011223344556677/event/up",
    "frigate/events",
    "$CONTROL/dynamic-security/v1",
    "$SYS/broker/uptime",
)
END = "parking/v1/street-0/sign/end"
"""Published last by the ingestor's user, to know that nothing else comes."""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("authority") / "ca"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def secured(services: Services, authority: Path, *options: str) -> AsyncIterator[SecuredMosquitto]:
    if not services.runs_own_mosquitto:
        pytest.skip("needs the Mosquitto in the Debian root of `make services`")
    async with SecuredMosquitto(authority, *options) as running:
        yield running


@pytest.fixture
async def guarded(services: Services, authority: Path) -> AsyncIterator[SecuredMosquitto]:
    async with secured(services, authority) as running:
        yield running


@asynccontextmanager
async def client(
    broker: SecuredMosquitto,
    url: str,
    *,
    session: str | None = None,
    clean: bool | None = None,
    ca: Path | None = None,
    **options: object,
) -> AsyncIterator[aiomqtt.Client]:
    parts = urlsplit(url)
    tls = ssl.create_default_context(cafile=ca or broker.ca) if parts.scheme == "mqtts" else None
    async with aiomqtt.Client(
        parts.hostname or "",
        parts.port or 0,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        protocol=aiomqtt.ProtocolVersion.V311,
        identifier=session,
        clean_session=session is None if clean is None else clean,
        tls_context=tls,
        timeout=5,
        **options,  # type: ignore[arg-type]
    ) as connected:
        yield connected


async def topics_until_end(reader: aiomqtt.Client) -> list[str]:
    seen: list[str] = []
    async with asyncio.timeout(20):
        async for message in reader.messages:
            if str(message.topic) == END:
                return seen
            seen.append(str(message.topic))
    return seen


@asynccontextmanager
async def cut_off(connection: AbstractAsyncContextManager[aiomqtt.Client]) -> AsyncIterator[aiomqtt.Client]:
    """A connection that the broker will have ended before we do."""
    with contextlib.suppress(aiomqtt.MqttError):
        async with connection as connected:
            yield connected


async def is_cut(connected: aiomqtt.Client) -> None:
    """Wait until the broker ends this connection."""
    with pytest.raises(aiomqtt.MqttError):
        async with asyncio.timeout(20):
            await anext(aiter(connected.messages))


async def try_to_publish(
    broker: SecuredMosquitto, url: str, topic: str, payload: bytes = b"x", *, retain: bool = False
) -> None:
    """Publish on a connection of its own: the broker ends some for what they try."""
    async with cut_off(client(broker, url)) as connected:
        with contextlib.suppress(aiomqtt.MqttError):
            await connected.publish(topic, payload, qos=1, retain=retain)


async def open_tls(broker: SecuredMosquitto, ca: Path) -> None:
    """Open and close a connection to the street without a word of MQTT."""
    trusted = ssl.create_default_context(cafile=ca)
    _, writer = await asyncio.open_connection("127.0.0.1", broker.street, ssl=trusted)
    writer.close()
    await writer.wait_closed()


async def refused(broker: SecuredMosquitto, url: str, **options: object) -> str:
    """Why a connection was not made."""
    with pytest.raises((aiomqtt.MqttError, ssl.SSLError)) as caught:
        async with client(broker, url, **options):  # type: ignore[arg-type]
            pass
    return str(caught.value)


async def test_a_device_may_publish_its_own_uplink_and_nothing_else(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    ingestor = guarded.create("ingestor", "main")
    services = guarded.url_of(ingestor, street=False)
    async with client(guarded, services) as reader, client(guarded, services) as writer:
        await reader.subscribe([("#", 1), ("$SYS/#", 1), ("$CONTROL/#", 1)])
        for topic in (*NOT_OWN, OWN):
            for retain in (False, True):
                await try_to_publish(guarded, guarded.url_of(device), topic, retain=retain)
        await writer.publish(END, b"", qos=1)
        assert await topics_until_end(reader) == [OWN, OWN]
    async with client(guarded, services) as late, client(guarded, services) as writer:
        await late.subscribe("#", 1)
        await writer.publish(END, b"", qos=1)
        assert await topics_until_end(late) == [OWN]


async def test_a_device_hears_its_own_commands_and_nothing_else(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    other = guarded.create("device", "sensor-0-1", "--site", "street-0")
    operator, simulator = guarded.create("operator", "desk"), guarded.create("simulator", "city")
    ingestor = guarded.create("ingestor", "main")
    async with client(guarded, guarded.url_of(device)) as sensor:
        await sensor.subscribe([("#", 1), ("parking/#", 1), (NOT_OWN[0], 1), (DOWN, 1), ("$SYS/#", 1)])
        for user, topics in (
            (simulator, [OWN, NOT_OWN[0], "parking/v1/castle-mews/anpr/cm-in/read", "frigate/events"]),
            (ingestor, ["parking/v1/street-0/availability", "parking/v1/street-0/sign/vms-0"]),
            (operator, ["parking/v1/street-0/bay/sensor-0-1/down", DOWN]),
        ):
            async with client(guarded, guarded.url_of(user, street=False)) as writer:
                for topic in topics:
                    await writer.publish(topic, b"x", qos=1)
        async with client(guarded, guarded.url_of(other)) as neighbour:
            await neighbour.publish(NOT_OWN[0], b"x", qos=1)
        async with asyncio.timeout(20):
            message = await anext(aiter(sensor.messages))
        assert str(message.topic) == DOWN


async def test_a_last_will_is_bound_by_the_same_rules(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    ingestor = guarded.create("ingestor", "main")
    services = guarded.url_of(ingestor, street=False)
    async with client(guarded, services) as reader, client(guarded, services) as writer:
        await reader.subscribe("#", 1)
        for topic in ("parking/v1/street-0/availability", OWN):
            will = aiomqtt.Will(topic, b"x", qos=1, retain=True)
            sensor = client(guarded, guarded.url_of(device), will=will)
            # Its user logs in a second time, so the first connection is cut and its will is due.
            async with contextlib.AsyncExitStack() as stack:
                first = await stack.enter_async_context(cut_off(sensor))
                await stack.enter_async_context(client(guarded, guarded.url_of(device)))
                await is_cut(first)
        await writer.publish(END, b"", qos=1)
        assert await topics_until_end(reader) == [OWN]


async def test_nobody_on_the_street_takes_the_session_of_another(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    ingestor = guarded.create("ingestor", "main")
    services = guarded.url_of(ingestor, street=False)
    async with client(guarded, services, session="parking-ingest") as reader:
        await reader.subscribe("parking/#", 1)
    for clean in (False, True):  # to read what waits, and to destroy it
        thief = client(guarded, guarded.url_of(device), session="parking-ingest", clean=clean)
        async with thief as taken:
            await taken.publish(OWN, b"x", qos=1)
    async with client(guarded, services, session="parking-ingest") as reader:
        async with asyncio.timeout(20):
            message = await anext(aiter(reader.messages))
    assert str(message.topic) == OWN


async def test_what_waits_for_an_absent_ingestor_survives_a_restart(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    services = guarded.url_of(guarded.create("ingestor", "main"), street=False)
    async with client(guarded, services, session="parking-ingest") as reader:
        await reader.subscribe("parking/#", 1)
    await guarded.stop()
    await guarded.start()
    async with client(guarded, guarded.url_of(device)) as sensor:
        await sensor.publish(OWN, b"x", qos=1)
    async with client(guarded, services, session="parking-ingest") as reader:
        async with asyncio.timeout(20):
            message = await anext(aiter(reader.messages))
    assert str(message.topic) == OWN


ROLES = {
    ("gateway", "gw-1", "--site", "street-0"): {"parking/v1/street-0/gateway/gw-1/up"},
    ("camera", "cm-in", "--site", "castle-mews"): {"parking/v1/castle-mews/anpr/cm-in/read"},
    ("network-server", "things-stack"): {"v3/app@ttn/devices/sensor-0-0/up"},
    ("network-server", "chirpstack.west"): {"application/1/device/0011223344556677/event/up"},
    ("frigate", "main"): {"frigate/events"},
    ("reader", "vms-0"): set(),
    ("monitor", "prometheus"): set(),
    ("operator", "desk"): {DOWN, "parking/v1/street-0/bay/sensor-0-1/down"},
    ("ingestor", "main"): {"parking/v1/street-0/availability", "parking/v1/street-0/sign/vms-0"},
}


async def test_each_role_publishes_what_is_its_own(guarded: SecuredMosquitto) -> None:
    ingestor = guarded.create("ingestor", "watch")
    services = guarded.url_of(ingestor, street=False)
    tried = {topic for topics in ROLES.values() for topic in topics} | set(NOT_OWN)
    for role, own in ROLES.items():
        user = guarded.create(*role)
        async with client(guarded, services) as reader, client(guarded, services) as writer:
            await reader.subscribe([("#", 1), ("$CONTROL/#", 1)])
            for topic in sorted(tried):
                await try_to_publish(guarded, guarded.url_of(user), topic)
            await writer.publish(END, b"", qos=1)
            assert set(await topics_until_end(reader)) == own, role


async def test_a_reader_sees_availability_and_signs_only(guarded: SecuredMosquitto) -> None:
    reader = guarded.create("reader", "vms-0")
    ingestor, simulator = guarded.create("ingestor", "main"), guarded.create("simulator", "city")
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    async with client(guarded, guarded.url_of(reader)) as sign:
        await sign.subscribe([("#", 1), ("parking/v1/+/bay/+/up", 1), ("$SYS/#", 1)])
        for user in (device, simulator):
            async with client(guarded, guarded.url_of(user)) as writer:
                await writer.publish(OWN, b"x", qos=1)
        async with client(guarded, guarded.url_of(ingestor, street=False)) as writer:
            await writer.publish("parking/v1/street-0/availability", b"{}", qos=1, retain=True)
            await writer.publish(END, b"", qos=1)
        assert await topics_until_end(sign) == ["parking/v1/street-0/availability"]


async def test_a_revoked_device_is_cut_off_and_stays_out(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    other = guarded.create("device", "sensor-0-1", "--site", "street-0")
    async with client(guarded, guarded.url_of(other)) as neighbour:
        async with cut_off(client(guarded, guarded.url_of(device))) as sensor:
            said = guarded.parking("credentials", "revoke", device)
            assert (said.returncode, said.stdout) == (0, f"revoked: {device}\n")
            assert "was told" in said.stderr
            await is_cut(sensor)
        assert "ot authori" in await refused(guarded, guarded.url_of(device))
        await neighbour.publish(NOT_OWN[0], b"x", qos=1)
    (gone,) = json.loads(guarded.done("credentials", "list", "--revoked", "--json"))
    assert (gone["user"], gone["did"], gone["role"]) == (device, "revoked", "device")


async def test_a_rotated_password_ends_the_old_one(guarded: SecuredMosquitto) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    old = guarded.url_of(device)
    (made,) = json.loads(guarded.done("credentials", "rotate", device, "--json"))
    guarded.passwords[device] = made["password"]

    async def new_one_works() -> bool:
        try:
            async with client(guarded, guarded.url_of(device)):
                return True
        except aiomqtt.MqttError:
            return False

    await until(new_one_works, what="the new password is taken")
    assert "ot authori" in await refused(guarded, old)


async def test_the_street_needs_tls_and_the_right_authority(
    guarded: SecuredMosquitto, tmp_path: Path
) -> None:
    device = guarded.create("device", "sensor-0-0", "--site", "street-0")
    assert await refused(guarded, guarded.url_of(device, scheme="mqtt"))
    guarded.done("broker", "authority", str(tmp_path / "other"), "--host", "127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        await open_tls(guarded, tmp_path / "other" / "ca.pem")


async def test_a_renewed_certificate_is_shown_without_a_restart(guarded: SecuredMosquitto) -> None:
    before = ssl.get_server_certificate(("127.0.0.1", guarded.street))
    pair = [str(guarded.authority / f"server.{kind}") for kind in ("pem", "key")]
    # 90 days are fewer than 91, so it is time.
    guarded.done("broker", "authority", str(guarded.authority), "--host", "127.0.0.1", "--renew-within", "91")
    guarded.done("broker", "certificate", *pair)
    shown = await asyncio.to_thread(Path(pair[0]).read_text)
    await until(
        lambda: ssl.get_server_certificate(("127.0.0.1", guarded.street)).strip() == shown.strip(),
        what="the broker shows the new certificate",
    )
    assert before.strip() != shown.strip()


async def test_an_oversized_payload_and_one_connection_too_many_are_refused(
    services: Services, authority: Path
) -> None:
    limits = ("--max-connections", "2", "--max-packet-size", "2048")
    async with secured(services, authority, *limits) as guarded:
        users = [guarded.create("device", f"d-{number}", "--site", "s") for number in range(3)]
        # Mosquitto 2.0 forgets max_connections when it reads its files anew (docs/broker.md).
        await guarded.stop()
        await guarded.start()
        topic = "parking/v1/s/bay/d-0/up"
        async with client(guarded, guarded.url_of(users[0])) as sensor:
            await sensor.publish(topic, b"x" * 1900, qos=1)
        async with cut_off(client(guarded, guarded.url_of(users[0]))) as sensor:
            with pytest.raises(aiomqtt.MqttError):
                await sensor.publish(topic, b"x" * 2100, qos=1)
        first, second = (client(guarded, guarded.url_of(user)) for user in users[:2])
        async with first, second:
            with pytest.raises(ConnectionError):
                await open_tls(guarded, guarded.ca)
        async with client(guarded, guarded.url_of(users[2])):
            pass


async def test_the_whole_way_over_tls(
    services: Services, authority: Path, database_url: str, process: StartProcess
) -> None:
    await load(database_url, small_registry())
    options = ("--guard", "certificates", "--client-authority", str(authority / "ca.pem"))
    async with secured(services, authority) as plain:
        plain.done("broker", "authority", str(authority), "--client", "ingest-1")
    async with secured(services, authority, *options) as guarded:
        device = guarded.create("device", "sensor-0-0", "--site", "street-0")
        ingestor = guarded.create("ingestor", "main")
        env = {
            "PARKING_DATABASE_URL": database_url,
            "PARKING_MQTT_URL": guarded.url_of(ingestor, street=False, scheme="mqtts"),
            "PARKING_MQTT_CA_FILE": str(guarded.ca),
            "PARKING_INGEST_PORT": "0",
        }
        # Without a certificate of ours a device's or anybody's password does not help.
        stranger = await asyncio.to_thread(guarded.parking, "doctor", **env)
        assert "WRONG  broker" in stranger.stdout
        env["PARKING_MQTT_CERT_FILE"] = str(authority / "ingest-1.pem")
        env["PARKING_MQTT_KEY_FILE"] = str(authority / "ingest-1.key")
        running = await process("ingest", env=env)
        await running.wait_for_output("connected to the broker")
        assert "ok     broker" in (await asyncio.to_thread(guarded.parking, "doctor", **env)).stdout
        frame = encode(StateFrame(type=FrameType.EVENT, state=State.OCCUPIED, boot=1, seq=1, age_s=0))
        for topic in (*NOT_OWN, OWN):
            await try_to_publish(guarded, guarded.url_of(device), topic, frame)
        async with connect(database_url, name="test", autocommit=True) as connection:

            async def stored() -> list[tuple[object, ...]]:
                query = "SELECT device_id, state FROM bay_event"
                return await (await connection.execute(query)).fetchall()

            assert await until(stored, what="the event is stored") == [("sensor-0-0", "occupied")]
            rejected = await connection.execute("SELECT topic FROM rejected_message")
            assert await rejected.fetchall() == []


async def test_ten_thousand_devices_of_a_registry_get_in(guarded: SecuredMosquitto, tmp_path: Path) -> None:
    city, passwords = tmp_path / "city.json", tmp_path / "passwords.csv"
    bays = [
        {"id": f"b-{number}", "sensor": {"id": f"d-{number}", "codec": "parking-v1"}}
        for number in range(10_000)
    ]
    site = {"id": "s", "name": "S", "kind": "on_street", "counting": "bays", "bays": bays}
    city.write_text(json.dumps({"sites": [site]}))
    made = guarded.done(
        "credentials", "create", "device", "--registry", str(city), "--output", str(passwords)
    )
    assert "created: 10000" in made
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    rows = [line.split(",") for line in passwords.read_text().splitlines()]
    assert len(rows) == 10_001
    for row in (rows[1], rows[5000], rows[-1]):
        guarded.passwords[row[3]] = row[4]
        async with client(guarded, guarded.url_of(row[3])) as sensor:
            await sensor.publish(f"parking/v1/{row[3]}/up", b"x", qos=1)
