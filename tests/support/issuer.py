"""An identity provider on this machine: discovery, keys over HTTP, and tokens that it really signs."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "parking-api"


def _private(algorithm: str) -> Any:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(private: Any, kid: str, **more: str) -> dict[str, Any]:
    """The public key as a provider publishes it."""
    public = private.public_key()
    if isinstance(private, rsa.RSAPrivateKey):
        found = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        found = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        found = OKPAlgorithm.to_jwk(public, as_dict=True)
    return {**found, "kid": kid, "use": "sig", **more}


class Issuer:
    """The provider. `keys` is what it publishes; `asked` counts the reads of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.named = url
        self.private = {name: _private(name) for name in ("RS256", "ES256", "EdDSA")}
        self.keys = [jwk(key, name) for name, key in self.private.items()]
        self.asked = 0
        self.codes: dict[str, dict[str, str]] = {}

    def token(self, algorithm: str = "RS256", **changes: Any) -> str:
        """A good token, but for what is changed: claims, `key`, `kid`, `typ`; a claim of None is left out."""
        kid = changes.pop("kid", {"PS256": "RS256"}.get(algorithm, algorithm))
        key = changes.pop("key", self.private.get(kid))
        headers = {"kid": kid, "typ": changes.pop("typ", "at+jwt")}
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "7c1f",
            "preferred_username": "ann@council.example",
            "iat": now,
            "exp": now + 300,
            "roles": ["Parking.Counter"],
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key, algorithm, headers=headers)

    def answer(self, path: str) -> Any:
        """What it says at this path."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.named,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        self.asked += 1
        return {"keys": self.keys}

    def let_in(self, asked: dict[str, str], **claims: Any) -> str:
        """Somebody signs in after having been sent here with that query: the code that they go back with."""
        code = f"code-{len(self.codes)}"
        about = {"nonce": asked["nonce"], "aud": asked["client_id"], **claims}
        self.codes[code] = {**asked, "id_token": self.token(typ="JWT", **about)}
        return code

    def redeem(self, form: dict[str, str]) -> tuple[int, Any]:
        """The token for a code: once, and only with the verifier of the challenge, as RFC 7636 has it."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or any(form[name] != asked[name] for name in ("client_id", "redirect_uri"))
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": asked["id_token"], "access_token": "x", "token_type": "Bearer"}


@contextmanager
def listening(issuer: Issuer | None = None) -> Iterator[Issuer]:
    """The provider for as long as this is open; given one that has stopped, it comes back with its keys."""
    served: list[Issuer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say(200, served[0].answer(self.path))

        def do_POST(self) -> None:
            form = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.say(*served[0].redeem(dict(form)))

        def say(self, status: int, told: Any) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    port = int(issuer.url.rpartition(":")[2]) if issuer else 0
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        served.append(issuer or Issuer(f"http://127.0.0.1:{server.server_port}"))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served[0]
        finally:
            server.shutdown()
            thread.join()
