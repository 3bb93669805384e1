/* Protocol Buffers on the wire: fields one after the other, read where they lie. Nothing is allocated, every length is
 * checked against what holds it, nesting is limited, and unknown fields are passed over. */
#ifndef ASSAY_IR_ONNX_PROTO_H
#define ASSAY_IR_ONNX_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_PROTO_DEPTH_MOST 32

enum assay_proto_type { ASSAY_PROTO_VARINT = 0, ASSAY_PROTO_FIXED64 = 1, ASSAY_PROTO_BYTES = 2, ASSAY_PROTO_FIXED32 = 5 };

struct assay_proto {
    const char          *what;  /* the file, for messages */
    const unsigned char *file;  /* its first byte: positions count from here */
    const unsigned char *at, *end;
    int                  depth; /* messages around this one */
};

struct assay_proto_field {
    uint32_t             number; /* 0: the message is over */
    enum assay_proto_type type;
    uint64_t             bits;   /* of the number types */
    const unsigned char *at;     /* of BYTES, into the file */
    size_t               length, position;
};

struct assay_proto assay_proto_of(const void *bytes, size_t length, const char *what);
enum assay_code   assay_proto_next(struct assay_proto *w, struct assay_proto_field *out, struct assay_error *err);
/* Reads one varint, as in packed lists. */
enum assay_code assay_proto_varint(struct assay_proto *w, uint64_t *out, struct assay_error *err);
/* The message or packed list that a field of type BYTES holds; refuses more than ASSAY_PROTO_DEPTH_MOST within each other. */
enum assay_code assay_proto_enter(const struct assay_proto *w, const struct assay_proto_field *field, struct assay_proto *inner,
                                 struct assay_error *err);

#endif
