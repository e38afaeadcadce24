#!/usr/bin/env python3
"""Golden values of NF4 with double quantization (Dettmers et al. 2023, arXiv:2305.14314), written to nf4.json.

The oracle is bitsandbytes (checked with 0.50.2 and numpy 2.4): its compiled CPU library dequantizes NF4 and quantizes the block
maxima in 8 bits; its Python needs torch, which is not needed for that. What the library has no function for on the CPU,
quantization to NF4, is written here in plain numpy after the paper: the nearest of 16 values in blocks of 64. Its own
quantize_4bit and dequantize_4bit (torch 2.15) give the same codes and numbers for these cases.

    python3 nf4.py /path/to/site-packages/bitsandbytes/libbitsandbytes_cpu.so [--tables]

--tables prints the two tables of src/model/quantized_tables.h instead. The 16 values are those of the paper's Appendix E.
"""
import ctypes
import json
import sys

import numpy as np

F = np.float32
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], dtype=F)


def linspace(start, end, n):
    """As torch has it in f32: from both ends to the middle, a product and a sum rounded once."""
    step = np.float64(F(F(end) - F(start)) / F(n - 1))
    return np.array([np.float64(F(start)) + step * i if i < n // 2 else end - step * (n - 1 - i) for i in range(n)]).astype(F)


def dynamic_map():
    """The signed 8-bit numbers with a dynamic exponent of Dettmers (arXiv:1511.04561): 7 powers of ten, 2^i steps in each."""
    values = [F(0), F(1)]
    for i in range(7):
        ends = linspace(0.1, 1, 2**i + 1)
        means = (ends[:-1] + ends[1:]) / F(2)
        values += list(F(10 ** (i - 6)) * means) + list(F(-(10 ** (i - 6))) * means)
    return np.array(sorted(values), dtype=F)


def pointer(a, kind):
    return a.ctypes.data_as(ctypes.POINTER(kind))


def quantize_8bit(library, table, x, block):
    codes, most = np.zeros(len(x), dtype=np.uint8), np.zeros((len(x) + block - 1) // block, dtype=F)
    library.cquantize_blockwise_cpu_fp32(pointer(table, ctypes.c_float), pointer(x, ctypes.c_float), pointer(most, ctypes.c_float),
                                         pointer(codes, ctypes.c_ubyte), ctypes.c_longlong(block), ctypes.c_longlong(len(x)))
    return codes, most


def dequantize_8bit(library, table, codes, most, block):
    out = np.zeros(len(codes), dtype=F)
    library.cdequantize_blockwise_cpu_fp32(pointer(table, ctypes.c_float), pointer(codes, ctypes.c_ubyte),
                                           pointer(most, ctypes.c_float), pointer(out, ctypes.c_float), ctypes.c_longlong(block),
                                           ctypes.c_longlong(len(codes)))
    return out


def dequantize_nf4(library, codes, most, n):
    packed, out = (codes[0::2] << 4 | codes[1::2]).astype(np.uint8), np.zeros(n, dtype=F)
    library.cdequantize_blockwise_cpu_nf4_fp32(pointer(packed, ctypes.c_ubyte), pointer(most, ctypes.c_float),
                                               pointer(out, ctypes.c_float), ctypes.c_longlong(64), ctypes.c_longlong(1),
                                               ctypes.c_longlong(n))
    return out


def case(library, name, w):
    """What bitsandbytes' double quantization makes of w: codes, the maxima's codes, their mean and scale, and the numbers."""
    w = w.astype(F)
    blocks = np.pad(w, (0, -len(w) % 64)).reshape(-1, 64)
    most = np.abs(blocks).max(axis=1).astype(F)
    scaled = blocks.astype(np.float64) / np.where(most > 0, most, 1)[:, None]
    codes = np.abs(scaled[:, :, None] - NF4.astype(np.float64)).argmin(axis=2).astype(np.uint8).reshape(-1)
    mean = F(most.astype(np.float64).mean())
    table = dynamic_map()
    most_codes, most_scales = quantize_8bit(library, table, most - mean, 256)
    again = dequantize_8bit(library, table, most_codes, most_scales, 256) + mean
    numbers = dequantize_nf4(library, codes, np.ascontiguousarray(again), len(codes))
    assert np.allclose(numbers, (NF4[codes.reshape(-1, 64)] * again[:, None]).reshape(-1), atol=1e-6)
    n = len(w)
    if n > 4096: # by a formula that the test has as well: what is made of it is enough
        return {"name": name, "n": n, "mean": float(mean), "most_codes": most_codes.tolist(),
                "most_scales": [float(x) for x in most_scales], "every": 97, "numbers": [float(x) for x in numbers[:n:97]]}
    return {"name": name, "n": n, "weights": [float(x) for x in w], "codes": codes[:n].tolist(), "mean": float(mean),
            "most_codes": most_codes.tolist(), "most_scales": [float(x) for x in most_scales], "every": 1,
            "numbers": [float(x) for x in numbers[:n]]}


def literal(x):
    text = np.format_float_positional(x, unique=True, trim="0")
    return text + "f"


def print_tables():
    for name, values in (("NF4_VALUES", NF4), ("QUANT_MAP_VALUES", dynamic_map())):
        print(f"#define {name} \\")
        rows = [", ".join(literal(x) for x in values[i:i + 7]) for i in range(0, len(values), 7)]
        print(", \\\n".join("    " + r for r in rows))


def main():
    if sys.argv[-1] == "--tables":
        return print_tables()
    library = ctypes.CDLL(sys.argv[1])
    rng = np.random.default_rng(5)
    i = np.arange(300 * 64 + 33)
    formula = ((i * 48271) % 65537 / 65537 - 0.5) * (1 + i // 64 % 7)
    cases = [case(library, "two blocks of maxima, by a formula", formula), case(library, "normal", rng.normal(0, 0.02, 640)),
             case(library, "a tail that fills no block", rng.normal(0, 1, 64 * 3 + 7)),
             case(library, "an outlier", np.where(np.arange(320) == 100, 9.0, rng.normal(0, 0.05, 320))),
             case(library, "zeros and a block of one sign", np.concatenate([np.zeros(64), np.linspace(0.5, 1, 64)]))]
    with open("nf4.json", "w") as f:
        json.dump({"oracle": "bitsandbytes 0.50.2", "cases": cases}, f, indent=0)
        f.write("\n")


main()
