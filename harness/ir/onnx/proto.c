/* protobuf.dev/programming-guides/encoding. Groups, which no ONNX file has, are refused. */
#include "harness/ir/onnx/proto.h"

#include "assay/banned.h"

#define VARINT_BYTES_MOST 10

struct assay_proto assay_proto_of(const void *bytes, size_t length, const char *what)
{
    static const unsigned char none[1];
    const unsigned char       *at = length ? bytes : none;
    return (struct assay_proto){.what = what, .file = at, .at = at, .end = at + length};
}

static enum assay_code complain(const struct assay_proto *w, const unsigned char *at, const char *why, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: %s", w->what, (size_t)(at - w->file), why);
}

enum assay_code assay_proto_varint(struct assay_proto *w, uint64_t *out, struct assay_error *err)
{
    const unsigned char *at = w->at;
    uint64_t             value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MOST; i++, at++) {
        if (at == w->end)
            return complain(w, w->at, "a number goes on beyond the end of its message", err);
        if (i == VARINT_BYTES_MOST - 1 && *at > 1)
            break;
        value |= (uint64_t)(*at & 0x7F) << 7 * i;
        if (!(*at & 0x80)) {
            w->at = at + 1;
            *out = value;
            return ASSAY_OK;
        }
    }
    return complain(w, w->at, "a number of more than 64 bits", err);
}

static enum assay_code read_fixed(struct assay_proto *w, unsigned bytes, uint64_t *out, struct assay_error *err)
{
    if ((size_t)(w->end - w->at) < bytes)
        return complain(w, w->at, "a number goes on beyond the end of its message", err);
    *out = 0;
    for (unsigned i = 0; i < bytes; i++)
        *out |= (uint64_t)w->at[i] << 8 * i;
    w->at += bytes;
    return ASSAY_OK;
}

static enum assay_code read_bytes(struct assay_proto *w, struct assay_proto_field *f, struct assay_error *err)
{
    const unsigned char *begin = w->at;
    uint64_t             length;
    if (assay_proto_varint(w, &length, err))
        return err->code;
    if (length > (uint64_t)(w->end - w->at))
        return complain(w, begin, "a length goes beyond the end of its message", err);
    f->at = w->at;
    f->length = (size_t)length;
    w->at += length;
    return ASSAY_OK;
}

enum assay_code assay_proto_next(struct assay_proto *w, struct assay_proto_field *out, struct assay_error *err)
{
    const unsigned char    *begin = w->at;
    struct assay_proto_field f = {.position = (size_t)(begin - w->file)};
    uint64_t                tag;
    enum assay_code         code;
    if (w->at == w->end) {
        *out = f;
        return ASSAY_OK;
    }
    if (assay_proto_varint(w, &tag, err))
        return err->code;
    if (tag >> 3 == 0 || tag > UINT32_MAX)
        return complain(w, begin, "no field has this number", err);
    f.number = (uint32_t)(tag >> 3);
    f.type = (enum assay_proto_type)(tag & 7);
    switch (f.type) {
    case ASSAY_PROTO_VARINT: code = assay_proto_varint(w, &f.bits, err); break;
    case ASSAY_PROTO_FIXED64: code = read_fixed(w, 8, &f.bits, err); break;
    case ASSAY_PROTO_FIXED32: code = read_fixed(w, 4, &f.bits, err); break;
    case ASSAY_PROTO_BYTES: code = read_bytes(w, &f, err); break;
    default: return complain(w, begin, "a field of a kind that is not read (a group, or damage)", err);
    }
    if (!code)
        *out = f;
    return code;
}

enum assay_code assay_proto_enter(const struct assay_proto *w, const struct assay_proto_field *field, struct assay_proto *inner,
                                 struct assay_error *err)
{
    const unsigned char *at = w->file + field->position;
    if (field->type != ASSAY_PROTO_BYTES)
        return complain(w, at, "a number where a message should be", err);
    if (w->depth + 1 >= ASSAY_PROTO_DEPTH_MOST)
        return complain(w, at, "messages nested more than 32 deep", err);
    *inner = (struct assay_proto){.what = w->what, .file = w->file, .at = field->at, .end = field->at + field->length,
                                 .depth = w->depth + 1};
    return ASSAY_OK;
}
