/* Protocol Buffers on the wire, written: fields one after the other, messages within each other. */
#ifndef ASSAY_IR_ONNX_ENCODE_H
#define ASSAY_IR_ONNX_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assay_encoder {
    unsigned char *at; /* owned: free() */
    size_t         length, room;
    bool           failed; /* out of memory: everything after that does nothing */
};

void assay_encode_int(struct assay_encoder *e, uint32_t field, int64_t number);
void assay_encode_float(struct assay_encoder *e, uint32_t field, float number);
void assay_encode_bytes(struct assay_encoder *e, uint32_t field, const void *bytes, size_t length);
void assay_encode_text(struct assay_encoder *e, uint32_t field, const char *text);
/* Bytes as they are, and zeros up to a multiple of `alignment`: for data beside messages. */
void assay_encode_raw(struct assay_encoder *e, const void *bytes, size_t length);
void assay_encode_align(struct assay_encoder *e, size_t alignment);
/* A message: what is encoded between the two is in it. `begin` gives what `end` takes. */
size_t assay_encode_begin(struct assay_encoder *e, uint32_t field);
void   assay_encode_end(struct assay_encoder *e, size_t begun);

#endif
