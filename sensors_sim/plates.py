"""Invented number plates, and the ways in which a camera misreads them.

A plate follows from the seed and the vehicle's number alone, so a test can name the plates of a run although
no ledger holds them.
"""

from hashlib import blake2b

_FIRST = "JTUZ"
"""Never issued as the first letter of a British plate since 2001: no real vehicle is named."""
_LETTERS = "ABCDEFGHJKLMNOPRSTUVWXYZ"
_CONFUSED = {
    "O": "0", "0": "O", "I": "1", "1": "I", "B": "8", "8": "B", "S": "5", "5": "S", "Z": "2", "2": "Z",
    "G": "6", "6": "G", "D": "0", "Q": "0", "M": "N", "N": "M", "V": "Y", "Y": "V", "U": "V", "E": "F",
    "F": "E", "P": "R", "R": "P", "H": "M", "K": "X", "X": "K", "C": "G", "3": "8", "7": "1", "4": "A",
}  # fmt: skip


def plate_of(seed: int, vehicle: int) -> str:
    """The plate of one vehicle of the city of `seed`: two letters, two digits, three letters."""
    number = int.from_bytes(_digest(seed, "plate", vehicle))
    picked = []
    for alphabet in (_FIRST, _LETTERS, "02567", "0123456789", _LETTERS, _LETTERS, _LETTERS):
        number, at = divmod(number, len(alphabet))
        picked.append(alphabet[at])
    return "".join(picked)


def misread(plate: str, salt: int) -> str:
    """The plate with one or two characters taken for similar ones; `salt` chooses which."""
    number = int.from_bytes(_digest(salt, plate, 0))
    candidates = [at for at, character in enumerate(plate) if character in _CONFUSED]
    wrong = list(plate)
    for _ in range(1 + number % 2):
        if candidates:
            number, pick = divmod(number, len(candidates))
            at = candidates.pop(pick)
            wrong[at] = _CONFUSED[plate[at]]
    return "".join(wrong)


def _digest(*parts: object) -> bytes:
    return blake2b(":".join(map(str, parts)).encode(), digest_size=12).digest()
