"""
Ed25519 keys: made here, kept as PEM, named by the public key itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.errors import SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASSPHRASE_VARIABLE = "PYTEST_ERNIE_KEY_PASSPHRASE"
"""Where a private key's passphrase comes from; without it the file's rights are all that guards the key."""
LARGEST_KEY_FILE = 64 * 1024


def new_key(path: Path, environment: Mapping[str, str] = os.environ) -> tuple[Path, str]:
    """
    Write a private key to ``path`` (for its owner only) and the public one beside it as ``.pub``.

    Returns the public file and the key's id. SignatureError if either file is there already.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = path.with_name(f"{path.name}.pub")
    for file in (path, public):
        if file.exists():
            raise SignatureError("a key is never overwritten", where=file, fix="Name another file")
    key = Ed25519PrivateKey.generate()
    word = environment.get(PASSPHRASE_VARIABLE, "")
    locked: form.KeySerializationEncryption = (
        form.BestAvailableEncryption(word.encode()) if word else form.NoEncryption()
    )
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as secret:
        secret.write(pem)
    public.write_bytes(
        key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )
    return public, key_id(key)


def private_key(path: Path, environment: Mapping[str, str] = os.environ) -> Ed25519PrivateKey:
    """Return a private key; SignatureError if the file is none, is readable by others, or is locked."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    content = _content(path)
    if path.stat().st_mode & 0o077:
        raise SignatureError(
            "others may read this private key", where=path, fix=f"Run chmod 600 {path.name}"
        )
    word = environment.get(PASSPHRASE_VARIABLE, "").encode() or None
    try:
        key = form.load_pem_private_key(content, word)
    except TypeError:
        asked = "needs no passphrase" if word else "is locked with a passphrase"
        raise SignatureError(
            f"the private key {asked}", where=path, fix=f"It is taken from {PASSPHRASE_VARIABLE}"
        ) from None
    except ValueError:
        raise SignatureError(
            "this is no private key, or the passphrase is another one", where=path
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError("this isn't an Ed25519 key", where=path)
    return key


def public_key_id(path: Path) -> str:
    """Return the id of a public key's file, as ``keys new`` writes it."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = form.load_pem_public_key(_content(path))
    except ValueError:
        raise SignatureError(
            "this is no public key", where=path, wanted="the .pub file of pytest-ernie keys new"
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureError("this isn't an Ed25519 key", where=path)
    return key.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw).hex()


def key_id(key: Ed25519PrivateKey) -> str:
    """Return what a key is called everywhere: its public half, 64 hexadecimal digits."""
    from cryptography.hazmat.primitives import serialization as form

    return key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw).hex()


def signed_by(id: str, signature: bytes, message: bytes) -> bool:
    """Tell whether that key signed that message; False for what is no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(id)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_KEY_FILE)
    except OSError as error:
        raise SignatureError(f"the key can't be read ({error.strerror})", where=path) from None
