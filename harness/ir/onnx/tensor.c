#include "harness/ir/onnx/tensor.h"

#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code complain(const struct assay_onnx_tensor *t, const char *what, enum assay_code code, const char *why,
                                struct assay_error *err)
{
    return ASSAY_FAIL(err, code, "%.110s: byte %zu: tensor '%.60s' %s", what, t->position, t->name ? t->name : "", why);
}

enum assay_code assay_onnx_tensor_measure(const struct assay_onnx_tensor *t, const char *what, struct assay_onnx_array *a,
                                          struct assay_error *err)
{
    *a = (struct assay_onnx_array){.dtype = assay_onnx_dtype(t->type)};
    if (!a->dtype)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED,
                          "%.110s: byte %zu: tensor '%.60s' has element type %" PRId64 ", which is not read", what, t->position,
                          t->name ? t->name : "", t->type);
    if (t->n_dims > ASSAY_MAX_RANK)
        return complain(t, what, ASSAY_UNSUPPORTED, "has more than 8 axes", err);
    a->rank = (int32_t)t->n_dims;
    a->elements = 1;
    for (size_t i = 0; i < t->n_dims; i++) {
        a->dims[i] = t->dims[i];
        if (t->dims[i] < 0)
            return complain(t, what, ASSAY_DATA, "has a negative length", err);
        if (__builtin_mul_overflow(a->elements, (uint64_t)t->dims[i], &a->elements) || a->elements > (UINT64_C(1) << 60) - 1)
            return complain(t, what, ASSAY_DATA, "has more elements than can be counted", err);
    }
    a->bytes = assay_dtype_bytes(a->dtype, a->elements);
    return ASSAY_OK;
}

/* The list that content of a type stands in when it is not raw, and how many of its numbers there are. */
static const void *typed_list(const struct assay_onnx_tensor *t, enum assay_dtype dtype, size_t *n, size_t *size)
{
    switch (dtype) {
    case ASSAY_F32: *n = t->n_floats, *size = sizeof *t->floats; return t->floats;
    case ASSAY_F64: *n = t->n_doubles, *size = sizeof *t->doubles; return t->doubles;
    case ASSAY_I64: *n = t->n_int64s, *size = sizeof *t->int64s; return t->int64s;
    default: *n = t->n_int32s, *size = sizeof *t->int32s; return t->int32s;
    }
}

/* Numbers of int32_data stand for the low bits of what they hold: whole elements, or two of four bits. */
static enum assay_code narrow(const struct assay_onnx_tensor *t, const char *what, struct assay_arena *arena,
                              struct assay_onnx_array *a, struct assay_error *err)
{
    unsigned       bytes_each = assay_dtype_bits(a->dtype) < 8 ? 1 : assay_dtype_bits(a->dtype) / 8;
    unsigned char *to = assay_arena_take(arena, t->n_int32s, bytes_each);
    if (!to)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory for tensor '%.60s'", what, t->name ? t->name : "");
    for (size_t i = 0; i < t->n_int32s; i++)
        memcpy(to + i * bytes_each, &t->int32s[i], bytes_each);
    a->data = to;
    return ASSAY_OK;
}

enum assay_code assay_onnx_tensor_array(const struct assay_onnx_tensor *t, const char *what, struct assay_arena *arena,
                                        struct assay_onnx_array *out, struct assay_error *err)
{
    struct assay_onnx_array a;
    size_t                  n, size;
    if (assay_onnx_tensor_measure(t, what, &a, err))
        return err->code;
    if (t->location || t->n_external)
        return complain(t, what, ASSAY_UNSUPPORTED, "has its data in another file, which is not read", err);
    if (t->raw.at) {
        if (t->raw.length != a.bytes)
            return complain(t, what, ASSAY_DATA, "has not the raw bytes of its type and shape", err);
        a.data = t->raw.at;
        *out = a;
        return ASSAY_OK;
    }
    a.data = typed_list(t, a.dtype, &n, &size);
    bool is_packed = assay_dtype_bits(a.dtype) < 8;
    if (n != (is_packed ? a.bytes : a.elements))
        return complain(t, what, ASSAY_DATA, "has not the numbers of its type and shape", err);
    if (size * n != a.bytes && narrow(t, what, arena, &a, err))
        return err->code;
    *out = a;
    return ASSAY_OK;
}
