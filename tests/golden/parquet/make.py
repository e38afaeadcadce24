#!/usr/bin/env python3
"""Writes the Parquet files of this folder, and the rows that pyarrow reads from each kind of them (KIND.jsonl).
Made with pyarrow 26.0.1: python3 make.py FOLDER"""
import datetime, decimal, json, math, os, sys, uuid
import pyarrow as pa, pyarrow.parquet as pq

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))


def plain(v, t):
    """As parquet.h says that values become JSON."""
    if v is None:
        return None
    if pa.types.is_struct(t):
        return {f.name: plain(v[f.name], f.type) for f in t}
    if pa.types.is_map(t):
        return {k: plain(x, t.item_type) for k, x in v} if pa.types.is_string(t.key_type) else \
            [{"key": plain(k, t.key_type), "value": plain(x, t.item_type)} for k, x in v]
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return [plain(x, t.value_type) for x in v]
    if isinstance(v, decimal.Decimal):
        return int(v) if t.scale == 0 else float(v)
    if pa.types.is_timestamp(t):
        parts = v if isinstance(v, int) else None
        assert parts is not None
        unit = {"s": 1000, "ms": 1000, "us": 10**6, "ns": 10**9}[t.unit]
        seconds, rest = divmod(parts, unit)
        text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)).isoformat()
        digits = {1000: 3, 10**6: 6, 10**9: 9}[unit]
        return text + (".%0*d" % (digits, rest) if rest else "") + ("Z" if t.tz else "")
    if isinstance(v, (datetime.date, datetime.time)):
        return v.isoformat()
    if isinstance(v, bytes):
        return v.decode()
    if isinstance(v, float):
        assert math.isfinite(v)
        return v
    return v


def rows(table):
    columns = []
    for field, column in zip(table.schema, table.columns):
        if pa.types.is_timestamp(field.type):
            column = column.cast(pa.int64())
        columns.append([plain(v, field.type) for v in column.to_pylist()])
    return [dict(zip(table.schema.names, r)) for r in zip(*columns)]


def write(name, table, kind=None, **options):
    """kind: the name of its rows, which several files share; None: they are not kept."""
    pq.write_table(table, os.path.join(folder, name + ".parquet"), **options)
    if kind:
        with open(os.path.join(folder, kind + ".jsonl"), "w") as f:
            for r in rows(table):
                f.write(json.dumps(r, ensure_ascii=False) + "\n")


text = pa.string()
message = pa.struct([("role", text), ("content", text)])
n = 40
chats = pa.table({
    "prompt": pa.array([None if i % 11 == 3 else "What is %d + %d? \u00e9\U0001f600" % (i, i) for i in range(n)]),
    "chosen": pa.array([None if i % 7 == 6 else [] if i % 7 == 5 else
                        [None if (i + k) % 5 == 4 else {"role": "user" if k % 2 == 0 else "assistant",
                                                       "content": None if k == 3 else "text %d" % (i * k)}
                         for k in range(i % 4)] for i in range(n)], pa.list_(message)),
    "score": pa.array([None if i % 5 == 1 else i / 8 - 2 for i in range(n)], pa.float64()),
    "good": pa.array([None if i % 6 == 2 else i % 3 == 0 for i in range(n)]),
    "deep": pa.array([None if i % 6 == 0 else [None if k == 2 else [x for x in range(k)] for k in range(i % 5)] for i in range(n)],
                     pa.list_(pa.list_(pa.int32()))),
    "meta": pa.array([None if i % 4 == 3 else {"a": {"b": i if i % 3 else None}, "c": ["x"] * (i % 3)} for i in range(n)],
                     pa.struct([("a", pa.struct([("b", pa.int64())])), ("c", pa.list_(text))])),
    "map": pa.array([None if i % 5 == 2 else [("k%d" % k, [k] * k) for k in range(i % 3)] for i in range(n)],
                    pa.map_(text, pa.list_(pa.int16()))),
})
for codec in ("none", "snappy", "gzip", "zstd"):
    for version in ("1.0", "2.0"):
        for words in (True, False):
            write("chats-%s-v%s-%s" % (codec, version[0], "dictionary" if words else "plain"), chats, "chats",
                  compression=codec, data_page_version=version, use_dictionary=words, row_group_size=17,
                  data_page_size=200, write_page_checksum=version == "1.0")
write("legacy-lists", chats.select(["prompt", "chosen", "deep"]), "legacy-lists", use_compliant_nested_type=False,
      compression="snappy")
for codec in ("lz4", "brotli"):
    pq.write_table(chats.select(["prompt"]), os.path.join(folder, "refused-%s.parquet" % codec), compression=codec)

long = pa.table({"words": pa.array(["word %d" % (i * 7919 % 3000) if i % 9 else None for i in range(6000)])})
write("dictionary-fallback", long.slice(0, 1200), "dictionary-fallback", compression="zstd",
      dictionary_pagesize_limit=1000, data_page_size=1000)
write("big-text", pa.table({"text": pa.array(["a" * 300000, "", None, "\u4e16\u754c" * 50000])}), compression="zstd")

numbers = pa.table({
    "i32": pa.array([(-1) ** i * (i * 2654435761 % 2**31) if i % 10 else None for i in range(300)], pa.int32()),
    "i64": pa.array([(-1) ** i * (i * 11400714819323198485 % 2**63) for i in range(300)], pa.int64()),
    "near": pa.array([1000000 + i // 3 for i in range(300)], pa.int64()),
    "f32": pa.array([i / 4 - 9 for i in range(300)], pa.float32()),
    "f64": pa.array([None if i % 4 == 0 else i * 0.1 for i in range(300)], pa.float64()),
    "text": pa.array(["prefix %d %s" % (i // 10, "x" * (i % 7)) for i in range(300)]),
    "fixed": pa.array([b"%08d" % (i // 5) for i in range(300)], pa.binary(8)),
    "flag": pa.array([i % 17 < 9 for i in range(300)]),
})
delta = {"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "near": "DELTA_BINARY_PACKED",
         "text": "DELTA_BYTE_ARRAY",
         "fixed": "DELTA_BYTE_ARRAY", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT", "flag": "RLE"}
split = {"i32": "BYTE_STREAM_SPLIT", "i64": "BYTE_STREAM_SPLIT", "near": "PLAIN", "text": "DELTA_LENGTH_BYTE_ARRAY",
         "fixed": "BYTE_STREAM_SPLIT", "f32": "PLAIN", "f64": "PLAIN", "flag": "PLAIN"}
for name, encodings in (("delta", delta), ("split", split)):
    for version in ("1.0", "2.0"):
        write("numbers-%s-v%s" % (name, version[0]), numbers, "numbers", use_dictionary=False, column_encoding=encodings,
              data_page_version=version, compression="zstd", data_page_size=700)

D = decimal.Decimal
types = pa.table({
    "u8": pa.array([0, 255, None], pa.uint8()), "u32": pa.array([0, 2**32 - 1, 7], pa.uint32()),
    "u64": pa.array([0, 2**63 - 1, 5], pa.uint64()), "i8": pa.array([-128, 127, 0], pa.int8()),
    "d9": pa.array([D("-1.25"), D("99999.99"), None], pa.decimal128(7, 2)),
    "d38": pa.array([D("-12345678901234567890.5"), D("0.1"), D("3")], pa.decimal128(38, 10)),
    "d0": pa.array([D("-7"), D("12"), None], pa.decimal128(5, 0)),
    "date": pa.array([datetime.date(1969, 12, 31), datetime.date(2024, 2, 29), datetime.date(1600, 3, 1)]),
    "ms": pa.array([-1, 1714566600250, 0], pa.timestamp("ms", tz="UTC")),
    "us": pa.array([1714566600000001, 0, None], pa.timestamp("us")),
    "ns": pa.array([1714566600000000001, -1000000000, 0], pa.timestamp("ns")),
    "time": pa.array([datetime.time(12, 30, 1), datetime.time(23, 59, 59, 250), None], pa.time64("us")),
    "f16": pa.array([0.5, -2.25, 6.103515625e-05], pa.float16()), "bytes": pa.array([b"text", b"", None]),
    "large": pa.array(["a", None, "b"], pa.large_string()), "nothing": pa.array([None] * 3, pa.null()),
    "by_number": pa.array([[(1, "a")], [], None], pa.map_(pa.int32(), text)),
})
write("types", types, "types", compression="snappy", store_decimal_as_integer=True)
write("types-fixed", types, "types", compression="none", use_dictionary=False)
write("int96", types.select(["ns"]), "int96", use_deprecated_int96_timestamps=True)
write("no-rows", chats.slice(0, 0))
pairs = pa.table({"prompt": ["What is 1 + 1?", "Name a colour."], "chosen": ["2", "Red."], "rejected": ["3", "Red."]})
pq.write_table(pairs, os.path.join(folder, "pairs.parquet"))
