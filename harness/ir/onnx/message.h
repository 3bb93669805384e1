/* Messages by table: a row says which field goes where in a struct. Everything lies in an arena, but for bytes, which stay
 * where they are in the file. Repeated fields are counted before room is taken, and all room together is limited by the
 * file's own size, so that no length in the file decides how much is allocated. */
#ifndef ASSAY_IR_ONNX_MESSAGE_H
#define ASSAY_IR_ONNX_MESSAGE_H

#include "harness/base/arena.h"
#include "harness/ir/onnx/proto.h"

struct assay_message_bytes {
    const unsigned char *at; /* NULL: the field is absent */
    size_t               length;
};

/* What stands at a row's offset. Of lists, the count (size_t) stands at count_offset. */
enum assay_message_kind {
    ASSAY_MESSAGE_I64,   /* int64_t */
    ASSAY_MESSAGE_F32,   /* float */
    ASSAY_MESSAGE_TEXT,  /* const char *, NULL when absent: UTF-8 without control characters */
    ASSAY_MESSAGE_BYTES, /* struct assay_message_bytes */
    ASSAY_MESSAGE_ONE,   /* struct *, NULL when absent; the last one counts */
    ASSAY_MESSAGE_I64S,  /* int64_t *, packed or not */
    ASSAY_MESSAGE_F32S,  /* float * */
    ASSAY_MESSAGE_F64S,  /* double * */
    ASSAY_MESSAGE_TEXTS, /* const char ** */
    ASSAY_MESSAGE_MANY,  /* struct *, an array */
};

struct assay_message_row {
    uint32_t                    number;
    enum assay_message_kind     kind;
    size_t                      offset, count_offset;
    const struct assay_message *message; /* of ONE and MANY */
};

/* Every struct begins with `size_t position`: the byte of the file where the message begins. */
struct assay_message {
    const char                     *name;
    size_t                          size;
    const struct assay_message_row *rows;
    size_t                          n_rows;
};

/* Fills *out, a struct of `message`. Refusals (ASSAY_DATA) are one line that names file and byte. */
enum assay_code assay_message_read(const struct assay_message *message, const void *bytes, size_t length, const char *what,
                                   struct assay_arena *arena, void *out, struct assay_error *err);

#endif
