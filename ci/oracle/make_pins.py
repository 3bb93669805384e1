#!/usr/bin/env python3
"""Builds each small model in PyTorch, in double precision, from the weights and inputs that Assay's seed gives, and writes its
logits, its loss and all gradients of one step: something to compare with that is not Assay.

    ci/oracle/make_pins.py build/assay ci/oracle/pins [CASE…]

Nothing of Assay's code takes part but `assay show CASE --json`, which names the values, their shapes and their fill rules. The
random numbers are made here again from their definition (harness/base/random.h: Philox4x32-10), the models from their papers.
A pin is <id>.json (case, versions, what stands where) and <id>.npy (float64, all arrays one after the other). Of an array of
more than 512 elements every stride-th one is kept.
"""
import json
import math
import subprocess
import sys

import numpy
import torch
import torch.nn.functional as F
import xxhash

SEED, SET, MOST = 1, 0, 512
CASES = [
    "resnet50.train/batch=2,classes=10,image=32,width=4",
    "bert.train/batch=2,size=tiny,tokens=12",
    "decoder.train/batch=2,model=tiny-dense,tokens=10",
    "decoder.train/batch=2,model=tiny-moe,tokens=10",
    "decoder.train/batch=2,model=tiny-mla,tokens=10",
    "dlrm.train/batch=4,most_rows=5",
]
torch.set_default_dtype(torch.float64)

# ---- the harness's random numbers, from their definition ------------------------------------------------------------


def philox(key, blocks, third=0):
    """Words of the given block numbers: [len(blocks), 4]."""
    mask = numpy.uint64(0xFFFFFFFF)
    shift = numpy.uint64(32)
    b = numpy.asarray(blocks, dtype=numpy.uint64)
    c = [b & mask, b >> shift, numpy.full_like(b, third), numpy.zeros_like(b)]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0 = c[0] * numpy.uint64(0xD2511F53)
        p1 = c[2] * numpy.uint64(0xCD9E8D57)
        c = [(p1 >> shift) ^ c[1] ^ numpy.uint64(k0), p1 & mask, (p0 >> shift) ^ c[3] ^ numpy.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return numpy.stack(c, axis=1)


def words(key, n):
    return philox(key, numpy.arange((n + 3) // 4)).reshape(-1)[:n]


def uniform(key, n, low, high):
    low, high = numpy.float32(low), numpy.float32(high)
    u = (words(key, n) >> numpy.uint64(8)).astype(numpy.float64)
    x = (float(low) + (float(high) - float(low)) / 2**24 * u).astype(numpy.float32)
    return numpy.where(x >= high, numpy.nextafter(high, low), x)


def normal(key, n, mean, deviation):
    w = words(key, 2 * ((n + 1) // 2)).astype(numpy.float64)
    a, b = w[0::2], w[1::2]
    r = numpy.sqrt(-2 * numpy.log((a + 1) / 2**32))
    t = 2 * math.pi * b / 2**32
    z = numpy.stack([r * numpy.cos(t), r * numpy.sin(t)], axis=1).reshape(-1)[:n]
    return (float(numpy.float32(mean)) + float(numpy.float32(deviation)) * z).astype(numpy.float32)


def integers(key, n, low, high):
    w = words(key, 2 * n)
    out = []
    for i in range(n):
        d = int(w[2 * i]) | int(w[2 * i + 1]) << 32
        assert d < 2**64 - 2**64 % (high - low + 1), "a drawing again is not written here"
        out.append(low + d % (high - low + 1))
    return numpy.array(out, dtype=numpy.int64)


def fill(value):
    rule, n = value["fill"], int(numpy.prod(value["dims"], dtype=numpy.int64))
    key = xxhash.xxh3_64_intdigest(value["name"].encode(), seed=SEED)
    if value["role"] not in ("param", "state"):
        key = (key + (SET + 1) * 0x9E3779B97F4A7C15) % 2**64
    a, b = rule["a"], rule["b"]
    if rule["kind"] == "uniform":
        x = uniform(key, n, a, b)
    elif rule["kind"] == "normal":
        x = normal(key, n, a, b)
    elif rule["kind"] == "integers":
        x = integers(key, n, int(a), int(b))
    elif rule["kind"] == "iota":
        x = a + b * numpy.arange(n)
    else:
        x = numpy.full(n, a)
    x = x.reshape(value["dims"])
    return torch.from_numpy(x.astype(numpy.float64 if value["dtype"].startswith("f") else numpy.int64))


def read(assay, case):
    text = subprocess.run([assay, "show", case, "--json"], check=True, capture_output=True, text=True).stdout
    shown = json.loads(text)
    values = {}
    for v in shown["values"]:
        v["dtype"], dims = v["type"].rstrip("]").split("[")
        v["dims"] = [int(d) for d in dims.split(",") if d]
        if "fill" in v and not v["name"].startswith(("learning_rate", "step")):
            values[v["name"]] = fill(v)
    params = [v["name"] for v in shown["values"] if v["role"] == "param"]
    for name in params:
        values[name].requires_grad_(True)
    return shown["case"], shown["id"], values, params


def single(x):
    """ONNX attributes are single precision."""
    return float(numpy.float32(x))


# ---- the models, from their papers ----------------------------------------------------------------------------------


def linear(v, name, x):
    return F.linear(x, v[name + ".weight"], v.get(name + ".bias"))


def resnet(v, case):
    def norm(name, x):
        return F.batch_norm(x, None, None, v[name + ".weight"], v[name + ".bias"], training=True, eps=single(1e-5))

    def block(name, x, stride):
        y = F.relu(norm(name + ".bn1", F.conv2d(x, v[name + ".conv1.weight"])))
        y = F.relu(norm(name + ".bn2", F.conv2d(y, v[name + ".conv2.weight"], stride=stride, padding=1)))
        y = norm(name + ".bn3", F.conv2d(y, v[name + ".conv3.weight"]))
        if name + ".downsample.0.weight" in v:
            x = norm(name + ".downsample.1", F.conv2d(x, v[name + ".downsample.0.weight"], stride=stride))
        return F.relu(x + y)

    x = F.relu(norm("bn1", F.conv2d(v["images"], v["conv1.weight"], stride=2, padding=3)))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, blocks in enumerate([3, 4, 6, 3]):
        for b in range(blocks):
            x = block(f"layer{stage + 1}.{b}", x, 2 if stage > 0 and b == 0 else 1)
    logits = linear(v, "fc", x.mean(dim=(2, 3)))
    return logits, F.cross_entropy(logits, v["labels"])


def attention(q, k, v, causal, scale):
    """[batch, heads, tokens, dim]; fewer key heads are shared by neighbours."""
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
    scores = q @ k.transpose(-1, -2) * scale
    if causal:
        t = scores.shape[-1]
        scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), -math.inf)
    return scores.softmax(-1) @ v


def heads(x, batch, n):
    return x.reshape(batch, -1, n, x.shape[-1] // n).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).reshape(x.shape[0] * x.shape[2], -1)


def bert(v, case):
    batch, tokens = v["input_ids"].shape
    width = v["embeddings.LayerNorm.weight"].shape[0]

    def norm(name, x):
        return F.layer_norm(x, (width,), v[name + ".weight"], v[name + ".bias"], eps=single(1e-12))

    e = "embeddings."
    x = v[e + "word_embeddings.weight"][v["input_ids"]] + v[e + "token_type_embeddings.weight"][v["token_type_ids"]]
    x = norm(e + "LayerNorm", (x + v[e + "position_embeddings.weight"][:tokens]).reshape(-1, width))
    layer = 0
    while f"encoder.layer.{layer}.intermediate.dense.weight" in v:
        p = f"encoder.layer.{layer}."
        q, k, w = (heads(linear(v, p + "attention.self." + n, x), batch, 4) for n in ("query", "key", "value"))
        a = joined(attention(q, k, w, False, (width // 4) ** -0.5))
        x = norm(p + "attention.output.LayerNorm", linear(v, p + "attention.output.dense", a) + x)
        f = linear(v, p + "output.dense", F.gelu(linear(v, p + "intermediate.dense", x)))
        x = norm(p + "output.LayerNorm", f + x)
        layer += 1
    x = F.gelu(linear(v, "predictions.transform.dense", x[v["masked_positions"]]))
    x = norm("predictions.transform.LayerNorm", x)
    logits = x @ v[e + "word_embeddings.weight"].T + v["predictions.bias"]
    return logits, F.cross_entropy(logits, v["labels"])


def rms(x, w, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * w


def rotate(x, theta, interleaved):
    """[batch, heads, tokens, dim]; angles from float32 tables, as they are published."""
    half, t = x.shape[-1] // 2, x.shape[-2]
    angle = torch.arange(t)[:, None] * theta ** (-2.0 * torch.arange(half) / (2 * half))
    cos, sin = angle.cos().float().double(), angle.sin().float().double()
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, b * cos + a * sin], dim=-1).flatten(-2)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def swiglu(v, name, x):
    return linear(v, name + ".down_proj", F.silu(linear(v, name + ".gate_proj", x)) * linear(v, name + ".up_proj", x))


def mixture(v, name, x, moe):
    logits = F.linear(x, v[name + ".gate.weight"])
    scores = logits.sigmoid() if moe.get("scoring") == "sigmoid" else logits.softmax(-1)
    choice = scores.detach()
    if name + ".gate.e_score_correction_bias" in v:
        choice = choice + v[name + ".gate.e_score_correction_bias"].detach()
    chosen = choice.topk(moe["top_k"], dim=-1).indices
    weights = scores.gather(1, chosen)
    if moe.get("normalize"):
        weights = weights / weights.sum(-1, keepdim=True)
    weights = weights * moe.get("scale", 1.0)
    rows = []
    for t in range(x.shape[0]):
        y = 0
        for k in range(moe["top_k"]):
            e = chosen[t, k]
            up = F.silu(x[t] @ v[name + ".experts.gate_proj.weight"][e]) * (x[t] @ v[name + ".experts.up_proj.weight"][e])
            y = y + weights[t, k] * (up @ v[name + ".experts.down_proj.weight"][e])
        rows.append(y)
    y = torch.stack(rows)
    return y + swiglu(v, name + ".shared_experts", x) if moe.get("shared") else y


def latent_attention(v, p, x, batch, shape):
    m, h, inter = shape["mla"], shape["heads"], shape.get("rope_interleaved", False)
    q = rms(linear(v, p + "q_a_proj", x), v[p + "q_a_layernorm.weight"], shape["norm_epsilon"])
    q = heads(linear(v, p + "q_b_proj", q), batch, h)
    q = torch.cat([q[..., : m["nope_dim"]], rotate(q[..., m["nope_dim"] :], shape["rope_theta"], inter)], -1)
    both = linear(v, p + "kv_a_proj_with_mqa", x)
    latent = rms(both[:, : m["kv_rank"]], v[p + "kv_a_layernorm.weight"], shape["norm_epsilon"])
    k_rope = rotate(heads(both[:, m["kv_rank"] :], batch, 1), shape["rope_theta"], inter).expand(-1, h, -1, -1)
    kv = heads(linear(v, p + "kv_b_proj", latent), batch, h)
    k = torch.cat([kv[..., : m["nope_dim"]], k_rope], -1)
    a = attention(q, k, kv[..., m["nope_dim"] :], True, (m["nope_dim"] + m["rope_dim"]) ** -0.5)
    return linear(v, p + "o_proj", joined(a))


def decoder(v, case):
    model = case.split("model=")[1].split(",")[0]
    with open(f"suites/models/{model}.json", encoding="utf-8") as f:
        shape = json.load(f)
    shape["norm_epsilon"] = single(shape["norm_epsilon"])
    batch, tokens = v["input_ids"].shape
    theta, inter, dim = shape["rope_theta"], shape.get("rope_interleaved", False), shape["hidden"] // shape["heads"]
    x = v["model.embed_tokens.weight"][v["input_ids"]].reshape(batch * tokens, -1)
    for i in range(shape["layers"]):
        p, moe = f"model.layers.{i}.", shape.get("moe")
        h = rms(x, v[p + "input_layernorm.weight"], shape["norm_epsilon"])
        s = p + "self_attn."
        if "mla" in shape:
            x = x + latent_attention(v, s, h, batch, shape)
        else:
            q = rotate(heads(linear(v, s + "q_proj", h), batch, shape["heads"]), theta, inter)
            k = rotate(heads(linear(v, s + "k_proj", h), batch, shape["kv_heads"]), theta, inter)
            w = heads(linear(v, s + "v_proj", h), batch, shape["kv_heads"])
            x = x + linear(v, s + "o_proj", joined(attention(q, k, w, True, dim**-0.5)))
        f = rms(x, v[p + "post_attention_layernorm.weight"], shape["norm_epsilon"])
        x = x + (mixture(v, p + "mlp", f, moe) if moe and i >= moe["first_layer"] else swiglu(v, p + "mlp", f))
    x = rms(x, v["model.norm.weight"], shape["norm_epsilon"])
    logits = x @ (v["model.embed_tokens.weight"] if shape.get("tied") else v["lm_head.weight"]).T
    return logits, F.cross_entropy(logits, v["labels"])


def dlrm(v, case):
    x = v["numbers"]
    for i in range(3):
        x = F.relu(linear(v, f"bottom.{i}", x))
    vectors = [x]
    for t in range(26):
        vectors.append(F.embedding_bag(v[f"categories.{t}"], v[f"embeddings.{t}.weight"], v[f"offsets.{t}"], mode="sum"))
    all_of_them = torch.stack(vectors, dim=1)
    dots = all_of_them @ all_of_them.transpose(1, 2)
    i, j = torch.tril_indices(27, 27, -1)
    x = torch.cat([x, dots[:, i, j]], dim=1)
    for n in range(5):
        x = linear(v, f"top.{n}", x)
        x = F.relu(x) if n < 4 else x
    logits = torch.cat([torch.zeros_like(x), x], dim=1)
    return logits, F.cross_entropy(logits, v["labels"])


MODELS = {"resnet50": resnet, "bert": bert, "decoder": decoder, "dlrm": dlrm}


def pin(assay, folder, case):
    name, ident, values, params = read(assay, case)
    logits, loss = MODELS[name.split(".")[0]](values, name)
    loss.backward()
    arrays, index, at = [], [], 0
    entries = [("logits", logits), ("loss", loss)] + [
        (p, values[p].grad if values[p].grad is not None else torch.zeros_like(values[p])) for p in params
    ]
    for label, tensor in entries:
        flat = tensor.detach().numpy().reshape(-1)
        stride = -(-flat.size // MOST)
        flat = flat[::stride]
        index.append({"name": label, "begin": at, "elements": int(flat.size), "stride": stride})
        arrays.append(flat)
        at += flat.size
    numpy.save(f"{folder}/{ident}.npy", numpy.concatenate(arrays).astype("<f8"))
    about = {
        "format": "assay-pin/1",
        "case": name,
        "id": ident,
        "seed": SEED,
        "set": SET,
        "made_by": f"PyTorch {torch.__version__}, numpy {numpy.__version__}, double precision",
        "arrays": index,
    }
    with open(f"{folder}/{ident}.json", "w", encoding="utf-8") as f:
        f.write(json.dumps(about).replace('{"name"', '\n  {"name"') + "\n")
    print(f"{name}: loss {loss.item():.12f}, {at} numbers")


if __name__ == "__main__":
    for each in sys.argv[3:] or CASES:
        pin(sys.argv[1], sys.argv[2], each)
