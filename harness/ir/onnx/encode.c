#include "harness/ir/onnx/encode.h"

#include <stdlib.h>

#include "harness/ir/onnx/proto.h"

#include "assay/banned.h"

#define VARINT_BYTES_MOST 10

static bool reserve(struct assay_encoder *e, size_t more)
{
    size_t room = e->room ? e->room : 4096;
    if (e->failed || more > SIZE_MAX / 4 - e->length) {
        e->failed = true;
        return false;
    }
    while (room < e->length + more)
        room *= 2;
    if (room > e->room) {
        unsigned char *at = realloc(e->at, room);
        if (!at) {
            e->failed = true;
            return false;
        }
        e->at = at;
        e->room = room;
    }
    return true;
}

static size_t varint(unsigned char to[VARINT_BYTES_MOST], uint64_t number)
{
    size_t n = 0;
    do {
        to[n++] = (unsigned char)((number & 127) | (number > 127 ? 128 : 0));
        number >>= 7;
    } while (number);
    return n;
}

static void put(struct assay_encoder *e, const void *bytes, size_t length)
{
    if (!length || !reserve(e, length))
        return;
    memcpy(e->at + e->length, bytes, length);
    e->length += length;
}

static void put_varint(struct assay_encoder *e, uint64_t number)
{
    unsigned char bytes[VARINT_BYTES_MOST];
    size_t        n = varint(bytes, number);
    put(e, bytes, n);
}

static void put_tag(struct assay_encoder *e, uint32_t field, enum assay_proto_type type)
{
    put_varint(e, (uint64_t)field << 3 | type);
}

void assay_encode_int(struct assay_encoder *e, uint32_t field, int64_t number)
{
    put_tag(e, field, ASSAY_PROTO_VARINT);
    put_varint(e, (uint64_t)number);
}

void assay_encode_float(struct assay_encoder *e, uint32_t field, float number)
{
    put_tag(e, field, ASSAY_PROTO_FIXED32);
    put(e, &number, sizeof number);
}

void assay_encode_bytes(struct assay_encoder *e, uint32_t field, const void *bytes, size_t length)
{
    put_tag(e, field, ASSAY_PROTO_BYTES);
    put_varint(e, length);
    put(e, bytes, length);
}

void assay_encode_text(struct assay_encoder *e, uint32_t field, const char *text)
{
    assay_encode_bytes(e, field, text, strlen(text));
}

void assay_encode_raw(struct assay_encoder *e, const void *bytes, size_t length)
{
    put(e, bytes, length);
}

void assay_encode_align(struct assay_encoder *e, size_t alignment)
{
    size_t more = (alignment - e->length % alignment) % alignment;
    if (!reserve(e, more))
        return;
    memset(e->at + e->length, 0, more);
    e->length += more;
}

size_t assay_encode_begin(struct assay_encoder *e, uint32_t field)
{
    put_tag(e, field, ASSAY_PROTO_BYTES);
    return e->length;
}

/* The length is known now; it goes in front of what it is the length of. */
void assay_encode_end(struct assay_encoder *e, size_t begun)
{
    unsigned char bytes[VARINT_BYTES_MOST];
    size_t        length = e->length - begun, n = varint(bytes, length);
    if (!reserve(e, n))
        return;
    memmove(e->at + begun + n, e->at + begun, length);
    memcpy(e->at + begun, bytes, n);
    e->length += n;
}
