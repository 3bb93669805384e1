#!/usr/bin/env python3
"""Number formats as ml_dtypes and numpy have them: what codes mean, what floats become, and rows of the block formats.

    ci/oracle/make_formats.py ci/oracle/formats.txt

Lines of text, numbers in hexadecimal, floats as the bits of their f32:
    made WITH VERSION …
    decode FORMAT value of code 0, 1, …
    encode FORMAT float:code …
    block FORMAT tensor-scale | floats … | codes of scales … | codes of elements …
reference/formats/tests/test_vectors.c compares. Nothing of Assay's takes part here.
"""
import platform
import sys

import ml_dtypes
import numpy

FORMATS = {
    "bf16": ml_dtypes.bfloat16,
    "f16": numpy.float16,
    "f8e4m3": ml_dtypes.float8_e4m3fn,
    "f8e5m2": ml_dtypes.float8_e5m2,
    "f8e8m0": ml_dtypes.float8_e8m0fnu,
    "f6e2m3": ml_dtypes.float6_e2m3fn,
    "f6e3m2": ml_dtypes.float6_e3m2fn,
    "f4e2m1": ml_dtypes.float4_e2m1fn,
}
BITS = {"bf16": 16, "f16": 16, "f6e2m3": 6, "f6e3m2": 6, "f4e2m1": 4}
random = numpy.random.default_rng(20)


def bits(x):
    return numpy.asarray(x, dtype=numpy.float32).view(numpy.uint32)


def codes(x, name):
    with numpy.errstate(over="ignore"):  # float16 says when it makes an infinity
        narrow = numpy.asarray(x, dtype=numpy.float32).astype(FORMATS[name])
    return narrow.view(numpy.uint16 if BITS.get(name) == 16 else numpy.uint8)


def values(name):
    every = numpy.arange(1 << BITS.get(name, 8), dtype=numpy.uint16 if BITS.get(name) == 16 else numpy.uint8)
    return every.view(FORMATS[name]).astype(numpy.float32)


def inputs(name):
    """Halfway between neighbours and the floats beside that; what is special. Of 16 bits 120 neighbours drawn at random."""
    v = numpy.unique(values(name)[numpy.isfinite(values(name))].astype(numpy.float64))
    v = v[v >= 0]
    middle = numpy.float32((v[:-1] + v[1:]) / 2)
    last = v[-1] + (v[-1] - v[-2]) / 2 if name != "f8e8m0" else v[-1] * 1.5
    if len(middle) > 300:
        middle = random.choice(middle, 120, replace=False)
    middle = numpy.append(middle, numpy.float32(last))
    x = numpy.concatenate([middle, numpy.nextafter(middle, numpy.float32(0)), numpy.nextafter(middle, numpy.float32(numpy.inf))])
    if name != "f8e8m0":
        x = x * numpy.where(random.random(len(x)) < 0.5, numpy.float32(-1), numpy.float32(1))
        x = numpy.append(x, numpy.float32([0.0, -0.0, numpy.inf, -numpy.inf, 1e-45, -1e-40, 3e38]))
    else:  # of subnormal floats ml_dtypes 0.6.0 rounds even 1.4999998 * 2^-127 up
        x = x[x >= 2.0**-126]
    if name[:2] not in ("f6", "f4"):  # these have no NaN: ml_dtypes writes -0 for it, Assay the largest, as ONNX does
        x = numpy.append(x, numpy.float32([numpy.nan]))
    return x


BLOCKS = {
    "mxfp8_e4m3": ("f8e4m3", 448), "mxfp8_e5m2": ("f8e5m2", 57344), "mxfp6_e2m3": ("f6e2m3", 7.5), "mxfp6_e3m2": ("f6e3m2", 28),
    "mxfp4": ("f4e2m1", 6),
}


def block(name, x):
    """By OCP MX 1.0, section 6.3; NVFP4 by NVIDIA's two levels."""
    element, largest = BLOCKS.get(name, ("f4e2m1", 6))
    length = 16 if name == "nvfp4" else 32
    tensor = numpy.float32(1)
    rows = x.astype(numpy.float64).reshape(-1, length)
    most = numpy.abs(rows).max(axis=1)
    if name == "nvfp4":
        tensor = numpy.float32(most.max() / (6 * 448))
        scale = codes(numpy.float32(most / numpy.float64(tensor) / 6), "f8e4m3")
        step = scale.view(FORMATS["f8e4m3"]).astype(numpy.float64) * numpy.float64(tensor)
    else:
        exponent = numpy.floor(numpy.log2(most)) - numpy.floor(numpy.log2(largest))
        scale = (exponent + 127).astype(numpy.uint8)
        step = 2.0**exponent
    scaled = numpy.float32(numpy.clip(rows / step[:, None], -largest, largest))
    return tensor, scale, codes(scaled.reshape(-1), element)


def text(numbers):
    return " ".join(f"{int(n):x}" for n in numbers)


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        print(f"made python {platform.python_version()} numpy {numpy.__version__} ml_dtypes {ml_dtypes.__version__}", file=out)
        for name in FORMATS:
            if BITS.get(name) != 16:
                print("decode", name, text(bits(values(name))), file=out)
            x = inputs(name)
            print("encode", name, " ".join(f"{int(a):x}:{int(b):x}" for a, b in zip(bits(x), codes(x, name))), file=out)
        for name in [*BLOCKS, "nvfp4"]:
            for size in (-3, 0, 4):
                x = numpy.float32(random.standard_normal(64) * 10.0**size)
                tensor, scale, element = block(name, x)
                print("block", name, text([bits(tensor)]), "|", text(bits(x)), "|", text(scale), "|", text(element), file=out)


main()
