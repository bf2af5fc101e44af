"""Kinds of columns, and values of each: ordinary ones, and those that lie at the ends."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Kind:
    """A type as CREATE TABLE takes it, and a maker of literals of it."""
    type: str
    make: Callable[[Random], str]
    widened: str = ""  # a type that takes every value of this one as it is

    def literal(self, rng: Random) -> str:
        """A value in SQL, NULL now and then."""
        if rng.random() < 0.08:
            return f"NULL::{self.type}"
        return f"{quoted(self.make(rng))}::{self.type}"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _of(*ends: str, otherwise: Callable[[Random], str]) -> Callable[[Random], str]:
    """One of the ends in a quarter of the cases."""
    return lambda rng: rng.choice(ends) if rng.random() < 0.25 else otherwise(rng)


def _whole(below: int) -> Callable[[Random], str]:
    return lambda rng: str(rng.randrange(-below, below))


def _decimal(digits: int, scale: int) -> Callable[[Random], str]:
    def make(rng: Random) -> str:
        number = rng.randrange(-10**digits + 1, 10**digits)
        sign, text = "-" * (number < 0), str(abs(number)).rjust(scale + 1, "0")
        return sign + text[:-scale] + "." + text[-scale:]
    return make


def _word(rng: Random) -> str:
    letters = "abcdefghij klmnopäöüßéñ漢字🦆'\"\\\n\t,;{}()%_"
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, 30)))


def _time(rng: Random) -> str:
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(10**6):06}"


def _date(rng: Random) -> str:
    return f"{rng.randrange(1, 9999):04}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def _hex(rng: Random) -> str:
    return rng.randbytes(rng.randrange(0, 20)).hex()


def _uuid(rng: Random) -> str:
    text = rng.randbytes(16).hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _json(rng: Random) -> str:
    return rng.choice(['{"b": [1, 2.50, null], "a": "ä"}', "[]", '"x"', "17.0", "null",
                       '{"nested": {"deep": {"er": [[], {}]}}}', f'{{"n": {rng.random()}}}'])


def _array(make: Callable[[Random], str]) -> Callable[[Random], str]:
    def element(rng: Random) -> str:
        text = make(rng).replace("\\", "\\\\").replace('"', '\\"')
        return "NULL" if rng.random() < 0.1 else f'"{text}"'
    return lambda rng: "{" + ",".join(element(rng) for _ in range(rng.randrange(0, 5))) + "}"


_FLOATS = ("NaN", "Infinity", "-Infinity", "-0", "0.1", "1e15", "123456.789")
_NUMERICS = ("NaN", "0", "0.00", "1.500", "-0.00000000000000000000000000000000000001", "1e130",
             "123456789012345678901234567890.123456789012345678901234567890")
_STAMPS = ("infinity", "-infinity", "0044-03-15 12:00:00 BC", "294246-12-31 23:59:59.999999",
           "4713-01-01 00:00:00 BC", "1970-01-01 00:00:00", "1969-12-31 23:59:59.999999")

KINDS = [
    Kind("bool", lambda rng: rng.choice("tf")),
    Kind("int2", _of("32767", "-32768", "0", otherwise=_whole(1000)), "int4"),
    Kind("int4", _of("2147483647", "-2147483648", "0", otherwise=_whole(10**6)), "int8"),
    Kind("int8", _of("9223372036854775807", "-9223372036854775808", otherwise=_whole(10**12))),
    Kind("float4", _of(*_FLOATS, "3.4028235e38", "1e-45", otherwise=lambda rng: str(rng.random()))),
    Kind("float8", _of(*_FLOATS, "1.7976931348623157e308", "5e-324",
                       otherwise=lambda rng: repr(rng.uniform(-1e9, 1e9)))),
    Kind("numeric", _of(*_NUMERICS, otherwise=_decimal(12, 5))),
    Kind("numeric(12,3)", _of("999999999.999", "-999999999.999", "0", otherwise=_decimal(11, 3)),
         "numeric(20,3)"),
    Kind("numeric(38,10)", _of("9999999999999999999999999999.9999999999", "0.0000000001",
                               otherwise=_decimal(30, 10))),
    Kind("text", _of("", " ", "NULL", "\\N", "null", otherwise=_word)),
    Kind("varchar(40)", _of("", " ", otherwise=_word), "text"),
    Kind("char(8)", lambda rng: rng.choice(["", "a", "abc ", " x", "12345678"])),
    Kind("bytea", lambda rng: "\\x" + _hex(rng)),
    Kind("uuid", _of("00000000-0000-0000-0000-000000000000", otherwise=_uuid)),
    Kind("json", _json),
    Kind("jsonb", _json),
    Kind("date", _of("infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "1969-12-31",
                     otherwise=_date)),
    Kind("time", _of("24:00:00", "00:00:00", otherwise=_time)),
    Kind("timestamp", _of(*_STAMPS, otherwise=lambda rng: f"{_date(rng)} {_time(rng)}")),
    Kind("timestamptz", _of("infinity", "-infinity", "294246-12-31 23:59:59+00", "1970-01-01Z",
                            otherwise=lambda rng: f"{_date(rng)} {_time(rng)}Z")),
    Kind("interval", _of("0", "178000000 years", "-1 day", "1 mon -1 day", "-00:00:00.5",
                         otherwise=lambda rng: f"{rng.randrange(-99, 99)} days {_time(rng)}")),
    Kind("int4[]", _array(_whole(100))),
    Kind("text[]", _array(_word)),
    Kind("numeric(9,2)[]", _array(_decimal(8, 2))),
    Kind("timestamptz[]", _array(lambda rng: f"{_date(rng)} {_time(rng)}Z")),
    Kind("inet", lambda rng: rng.choice(["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"])),
    Kind("int4range", lambda rng: rng.choice(["empty", "[1,5)", "(,3)", "[7,)"])),
    Kind("bit varying(12)", lambda rng: "".join(rng.choice("01") for _ in range(rng.randrange(12)))),
]

# Too large for its row: PostgreSQL keeps it elsewhere, and does not send it while it is unchanged.
TOAST = Kind("text", lambda rng: rng.randbytes(rng.randrange(1500, 6000)).hex())
