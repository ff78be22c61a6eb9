"""The identity provider of the local stack: two static files, and the key that signs tokens."""

import base64
import hashlib
import json
import sys
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .errors import StackError
from .ports import is_open
from .processes import Service
from .settings import AUDIENCE, HOST, ROOT, Settings

KEY = ROOT / ".local" / "issuer.pem"


def start(settings: Settings) -> None:
    """Serves the discovery document and the public key on the issuer's port."""
    folder = settings.state / "issuer"
    (folder / ".well-known").mkdir(parents=True, exist_ok=True)
    discovery = {
        "issuer": settings.issuer,
        "jwks_uri": f"{settings.issuer}/jwks.json",
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    (folder / ".well-known" / "openid-configuration").write_text(json.dumps(discovery))
    (folder / "jwks.json").write_text(json.dumps({"keys": [_public_key(_key())]}))
    service = Service("issuer", settings.state)
    command = [sys.executable, "-m", "http.server", str(settings.issuer_port)]
    service.start([*command, "--bind", HOST, "--directory", str(folder)])
    service.wait_until(lambda: is_open(settings.issuer_port), seconds=20)


def token(settings: Settings, scope: str, subject: str, seconds: int) -> str:
    """A token that this stack accepts. With `seconds` below zero it has expired already."""
    if not KEY.exists():
        raise StackError("there is no key to sign tokens with yet", "start the stack: make up")
    key = _key()
    now = int(time.time())
    claims = {
        "iss": settings.issuer,
        "aud": AUDIENCE,
        "sub": subject,
        "scope": scope,
        # An expired token was issued before it expired.
        "iat": min(now, now + seconds),
        "exp": now + seconds,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": _public_key(key)["kid"]})


def _key() -> rsa.RSAPrivateKey:
    """The signing key, made at the first start and kept, so that tokens outlive a restart."""
    if not KEY.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        text = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        KEY.parent.mkdir(parents=True, exist_ok=True)
        KEY.touch(mode=0o600)
        KEY.write_bytes(text)
    loaded = serialization.load_pem_private_key(KEY.read_bytes(), password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise StackError(f"{KEY} holds no RSA key", "delete the file; a new one is made")
    return loaded


def _public_key(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The public half as a JWK, named by its thumbprint (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    required = {"e": _base64(numbers.e), "kty": "RSA", "n": _base64(numbers.n)}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest())
    return {**required, "kid": thumbprint.decode().rstrip("="), "alg": "RS256", "use": "sig"}


def _base64(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
