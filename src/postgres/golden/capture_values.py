#!/usr/bin/env python3
"""Asks a real PostgreSQL (15 or later) for values of every type we decode, in the forms it sends, and
prints values.inc: {type oid, typmod, text form, binary form in hex, the value as we hold it}.

    capture_values.py postgresql://postgres@127.0.0.1:5432/postgres > values.inc
"""
import random
import subprocess
import sys

random.seed(20260101)

# How a collection holds a value (model/type.h), said in SQL about an expression {v}.
HELD = {
    "bool": "({v})::int::text",
    "int2": "({v})::text",
    "int4": "({v})::text",
    "int8": "({v})::text",
    "float4": "encode(float4send({v}), 'hex')",
    "float8": "encode(float8send({v}), 'hex')",
    "date": "CASE WHEN isfinite({v}) THEN ({v} - date '1970-01-01')::text"
            " WHEN {v} > '2000-01-01' THEN '2147483647' ELSE '-2147483647' END",
    "time": "(extract(epoch FROM {v}) * 1000000)::bigint::text",
    "interval": "(extract(year FROM {v}) * 12 + extract(month FROM {v}))::bigint::text || ' ' ||"
                " extract(day FROM {v})::bigint::text || ' ' || ((extract(hour FROM {v}) * 3600 +"
                " extract(minute FROM {v}) * 60) * 1000000 + extract(microseconds FROM {v}))::bigint::text",
    "uuid": "encode(uuid_send({v}), 'hex')",
    "bytea": "encode({v}, 'hex')",
    "numeric": "({v})::text",
}
for name in ("timestamp", "timestamptz"):
    HELD[name] = ("CASE WHEN isfinite({v}) THEN (extract(epoch FROM {v}) * 1000000)::bigint::text"
                  " WHEN {v} > '2000-01-01' THEN '9223372036854775807'"
                  " ELSE '-9223372036854775807' END")
for name in ("text", "varchar", "bpchar", "name", '"char"', "json", "jsonb"):
    HELD[name] = "encode(convert_to(format('%s', {v}), 'UTF8'), 'hex')"

OIDS = {"bool": 16, "int2": 21, "int4": 23, "int8": 20, "float4": 700, "float8": 701, "numeric": 1700,
        "date": 1082, "time": 1083, "timestamp": 1114, "timestamptz": 1184, "interval": 1186,
        "uuid": 2950, "bytea": 17, "text": 25, "varchar": 1043, "bpchar": 1042, "name": 19,
        '"char"': 18, "json": 114, "jsonb": 3802}
SEND = {"bool": "boolsend", "int2": "int2send", "int4": "int4send", "int8": "int8send",
        "float4": "float4send", "float8": "float8send", "numeric": "numeric_send", "date": "date_send",
        "time": "time_send", "timestamp": "timestamp_send", "timestamptz": "timestamptz_send",
        "interval": "interval_send", "uuid": "uuid_send", "bytea": "byteasend", "text": "textsend",
        "varchar": "varcharsend", "bpchar": "bpcharsend", "name": "namesend", '"char"': "charsend",
        "json": "json_send", "jsonb": "jsonb_send"}

VALUES = {
    "bool": ["t", "f"],
    "int2": ["0", "1", "-1", "32767", "-32768"],
    "int4": ["0", "7", "-7", "2147483647", "-2147483648"],
    "int8": ["0", "42", "-42", "9223372036854775807", "-9223372036854775808"],
    "float4": ["0", "-0", "1.5", "0.1", "-3.4028235e38", "1e-45", "1.17549435e-38", "NaN", "Infinity",
               "-Infinity", "16777217", "3.1415927"],
    "float8": ["0", "-0", "0.1", "0.30000000000000004", "1.7976931348623157e308", "5e-324",
               "2.2250738585072014e-308", "NaN", "Infinity", "-Infinity", "123456789012345680",
               "-1e-7", "1e100", "9007199254740993", "100000000000000000000000"],
    "date": ["2000-01-01", "1970-01-01", "2024-02-29", "1999-12-31", "0001-01-01", "0044-03-15 BC",
             "0001-12-31 BC", "4714-11-24 BC", "5874897-12-31", "10000-01-01", "1900-02-28",
             "2100-03-01", "infinity", "-infinity", "0004-02-29", "0005-02-28 BC"],
    "time": ["00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7", "01:02:03.000004"],
    "timestamp": ["2000-01-01 00:00:00", "1970-01-01 00:00:00", "2024-02-29 12:34:56.789012",
                  "1969-12-31 23:59:59.999999", "0044-03-15 01:02:03.5 BC", "4714-11-24 00:00:00 BC",
                  "294247-01-10 04:00:54.775806", "10000-12-31 23:59:59", "infinity", "-infinity",
                  "1582-10-15 00:00:00.1"],
    "timestamptz": ["2000-01-01 00:00:00+00", "2024-02-29 12:34:56.789012+05:30",
                    "1969-12-31 23:59:59.999999-08", "0044-03-15 01:02:03.5+00 BC",
                    "294247-01-10 04:00:54.775806+00", "infinity", "-infinity", "0001-01-01 00:00:00+00"],
    "interval": ["0", "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06.789",
                 "1 mon", "1 day", "-1 day", "00:00:00.000001", "-00:00:00.000001", "100:00:00",
                 "2562047788:00:54.775807", "-2562047788:00:54.775807", "178000000 years",
                 "2147483647 days", "-2147483648 mons", "1 year -1 days", "-3 days 23:59:59.5",
                 "11 mons", "-00:59:00", "5 days -00:00:01.25"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
             "550e8400-e29b-41d4-a716-446655440000", "80000000-0000-0000-8000-000000000001"],
    "bytea": ["", "\\x00", "\\xdeadbeef", "\\x5c5c275c", "\\x0a20417f80ff", "\\x78"],
    "text": ["", "plain", "täglich ☃ 🦆", "line\nbreak\ttab", "quote\" back\\slash 'x'", "NULL", "{a,b}",
             "x" * 100],
    "varchar": ["", "short", "ünï"],
    "bpchar": ["ab   ", "ü", ""],
    "name": ["pg_class", ""],
    '"char"': ["a", "", "\\"],
    "json": ['{"b":1, "a" : [1,2.50], "a":null}', "null", '"x\\u00e9"', "12345678901234567890.123"],
    "jsonb": ['{"b":1, "a" : [1,2.50], "a":null}', "null", '"x\\u00e9"', "12345678901234567890.123"],
    "numeric": ["0", "0.00", "1", "-1", "10", "100", "1000", "10000", "100000", "123.4500", "-0.0001",
                "0.00001", "NaN", "Infinity", "-Infinity", "1e40", "1e-40", "9999", "99990000.00009999",
                "12345678901234567890123456789012345678901234567890.12345678901234567890", "1e100", "0.1",
                "0.12", "0.123", "0.1234", "0.12345", "-99999999999999999999999999999999999999.5"],
}
# char(5) pads; the rest has no typmod that matters.
TYPMODS = {"bpchar": 9}
ARRAYS = {"bool": ["{}", "{t,NULL,f}"], "int2": ["{1,-2}"], "int4": ["{}", "{1}", "{NULL}", "{1,NULL,-3}"],
          "int8": ["{9223372036854775807}"], "float4": ["{1.5,NaN}"], "float8": ["{-0,Infinity,NULL}"],
          "numeric": ["{1.50,NaN,-0.001,NULL}"], "date": ["{infinity,2024-02-29,0044-03-15 BC}"],
          "time": ["{24:00:00,00:00:01}"], "timestamp": ["{2024-02-29 12:00:00.5,infinity}"],
          "timestamptz": ["{2024-02-29 12:00:00+02,NULL}"], "interval": ["{1 year -2 days,00:00:01}"],
          "uuid": ["{550e8400-e29b-41d4-a716-446655440000,NULL}"], "bytea": ['{"\\\\x00ff","\\\\x"}'],
          "text": ["{}", '{a,"",NULL,"NULL","null"}', '{"with, comma","with \\"quote\\"","back\\\\slash"}',
                   '{"{nested}"," space ",täglich}', '{"line\nbreak"}'],
          "varchar": ["{a,b}"], "bpchar": ["{ab,c}"], "name": ["{x}"], '"char"': ["{a,b}"],
          "json": ['{"{\\"a\\":[1,2]}",null,NULL}'], "jsonb": ['{"{\\"a\\":[1,2]}","\\"x\\""}']}


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def select(oid, typmod, declared, value, send, held):
    v = f"({literal(value)}::{declared})"
    columns = [f"'{oid}'", f"'{typmod}'", f"encode(convert_to(format('%s', {v}), 'UTF8'), 'hex')",
               f"encode({send}({v}), 'hex')", held.replace("{v}", v)]
    return "SELECT " + " || '|' || ".join(f"({c})" for c in columns) + ";"


def numeric_typmod(precision, scale):
    return ((precision << 16) | (scale & 0x7FF)) + 4


def held_decimal(scale):
    return "trunc({v} * 1" + "0" * scale + ")::text"


def statements():
    for name, values in VALUES.items():
        declared = "char(5)" if name == "bpchar" else name
        for value in values:
            yield select(OIDS[name], TYPMODS.get(name, -1), declared, value, SEND[name], HELD[name])
    for name, values in ARRAYS.items():
        declared = "char(5)[]" if name == "bpchar" else name + "[]"
        each = HELD[name].replace("{v}", "e")
        held = (f"(SELECT coalesce(string_agg(CASE WHEN e IS NULL THEN 'null' ELSE {each} END, ',' ORDER BY n), '')"
                " FROM unnest({v}) WITH ORDINALITY AS u(e, n))")
        for value in values:
            oid = f"' || (SELECT typarray FROM pg_type WHERE oid = {OIDS[name]}) || '"
            yield select(oid, TYPMODS.get(name, -1), declared, value, "array_send", held)
    for precision, scale in ((1, 0), (4, 0), (4, 2), (4, 4), (5, 0), (9, 0), (9, 3), (10, 2), (12, 2), (18, 0),
                             (18, 9), (18, 18), (19, 4), (38, 0), (38, 10), (38, 37), (38, 38)):
        nines = "9" * (precision - scale) + "." + "9" * scale if scale else "9" * precision
        for value in ["0", nines, "-" + nines] + [random_decimal(precision, scale) for _ in range(6)]:
            yield select(1700, numeric_typmod(precision, scale), f"numeric({precision},{scale})", value,
                         "numeric_send", held_decimal(scale))
    for _ in range(200):
        yield select(1700, -1, "numeric", random_numeric(), "numeric_send", HELD["numeric"])
    for precision, scale in ((40, 2), (5, -2), (3, 5)):
        yield select(1700, numeric_typmod(precision, scale), f"numeric({precision},{scale})",
                     "0.00123" if scale == 5 else "1234", "numeric_send", HELD["numeric"])
    yield select(1231, numeric_typmod(10, 2), "numeric(10,2)[]", "{1.5,NULL,-0.01}", "array_send",
                 "(SELECT string_agg(coalesce(trunc(e * 100)::text, 'null'), ',' ORDER BY n)"
                 " FROM unnest({v}) WITH ORDINALITY AS u(e, n))")


def digits(count):
    return "".join(random.choice("0001234567899") for _ in range(count))


def random_decimal(precision, scale):
    whole = digits(random.randint(0, precision - scale)) or "0"
    part = digits(random.randint(0, scale))
    return random.choice(["", "-"]) + whole + ("." + part if part else "")


def random_numeric():
    whole = digits(random.choice([1, 2, 4, 5, 9, 20, 60]))
    part = digits(random.choice([0, 0, 1, 3, 4, 5, 8, 30]))
    return random.choice(["", "-"]) + whole + ("." + part if part else "")


def main():
    settings = ("SET timezone = 'UTC'; SET intervalstyle = '{}'; SET bytea_output = '{}';"
                " SET extra_float_digits = 3;\n")
    script = settings.format("postgres", "hex") + "\n".join(statements()) + "\n"
    script += settings.format("iso_8601", "escape")
    for name, values in (("interval", VALUES["interval"]), ("bytea", VALUES["bytea"])):
        script += "\n".join(select(OIDS[name], -1, name, v, SEND[name], HELD[name]) for v in values) + "\n"
    answer = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", sys.argv[1]],
                            input=script, stdout=subprocess.PIPE, text=True, check=True)
    print("// Written by capture_values.py from the answers of a PostgreSQL server; do not edit.")
    for line in answer.stdout.splitlines():
        oid, typmod, text, binary, held = line.split("|")
        print(f'{{{oid}, {typmod}, "{text}", "{binary}", "{held}"}},')


main()
