#include "harness/ir/onnx/message.h"

#include <assert.h>
#include <stdlib.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

/* A message of two bytes becomes a struct of a hundred; nobody writes files of nothing else. */
#define ROOM_LEAST ((size_t)16 << 20)
#define ROOM_FACTOR 16

struct reading {
    struct assay_arena *arena;
    size_t              room_bytes;
};

static enum assay_code complain(const struct assay_proto *w, size_t position, const char *why, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: %s", w->what, position, why);
}

static void *take(struct reading *r, const struct assay_proto *w, size_t n, size_t size, struct assay_error *err)
{
    size_t position = (size_t)(w->at - w->file);
    assert(size > 0);
    if (n && n > (r->room_bytes - r->arena->used_bytes) / size) {
        (void)complain(w, position, "more parts than a file of this size has use for", err);
        return NULL;
    }
    void *at = assay_arena_take(r->arena, n, size);
    if (!at)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: byte %zu: no memory for %zu parts", w->what, position, n);
    else if (r->arena->used_bytes > r->room_bytes)
        at = complain(w, position, "more parts than a file of this size has use for", err) ? NULL : at;
    return at;
}

static const struct assay_message_row *row_of(const struct assay_message *m, uint32_t number)
{
    for (size_t i = 0; i < m->n_rows; i++)
        if (m->rows[i].number == number)
            return &m->rows[i];
    return NULL;
}

/* Bytes of one element of a list; 0 of what is no list. */
static size_t element_bytes(const struct assay_message_row *row)
{
    switch (row->kind) {
    case ASSAY_MESSAGE_I64S: return sizeof(int64_t);
    case ASSAY_MESSAGE_F32S: return sizeof(float);
    case ASSAY_MESSAGE_F64S: return sizeof(double);
    case ASSAY_MESSAGE_TEXTS: return sizeof(const char *);
    case ASSAY_MESSAGE_MANY: return row->message->size;
    default: return 0;
    }
}

static enum assay_code read_text(struct reading *r, const struct assay_proto *w, const struct assay_proto_field *f, const char **out,
                                 struct assay_error *err)
{
    if (f->type != ASSAY_PROTO_BYTES)
        return complain(w, f->position, "a number where a text should be", err);
    char *text = take(r, w, f->length + 1, 1, err);
    if (!text)
        return err->code;
    if (f->length)
        memcpy(text, f->at, f->length);
    char *shown = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, text);
    if (!shown)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: byte %zu: no memory for a text", w->what, f->position);
    bool plain = strcmp(shown, text) == 0 && strlen(text) == f->length;
    free(shown);
    if (!plain)
        return complain(w, f->position, "a text with control characters, or not in UTF-8", err);
    *out = text;
    return ASSAY_OK;
}

/* ---- lists ---- */

static enum assay_proto_type single_type(enum assay_message_kind kind)
{
    return kind == ASSAY_MESSAGE_F32S ? ASSAY_PROTO_FIXED32 : kind == ASSAY_MESSAGE_F64S ? ASSAY_PROTO_FIXED64 : ASSAY_PROTO_VARINT;
}

/* How many elements a field adds to its list. */
static enum assay_code count(const struct assay_proto *w, const struct assay_message_row *row, const struct assay_proto_field *f,
                             size_t *n, struct assay_error *err)
{
    size_t size = element_bytes(row);
    if (row->kind == ASSAY_MESSAGE_TEXTS || row->kind == ASSAY_MESSAGE_MANY || f->type == single_type(row->kind)) {
        *n = 1;
        return ASSAY_OK;
    }
    if (f->type != ASSAY_PROTO_BYTES)
        return complain(w, f->position, "a number of another kind than its list's", err);
    *n = 0;
    if (row->kind != ASSAY_MESSAGE_I64S) {
        *n = f->length / size;
        return f->length % size ? complain(w, f->position, "a list that ends within a number", err) : ASSAY_OK;
    }
    for (size_t i = 0; i < f->length; i++)
        *n += !(f->at[i] & 0x80);
    return ASSAY_OK;
}

static enum assay_code take_lists(struct reading *r, const struct assay_message *m, struct assay_proto w, char *out,
                                  struct assay_error *err)
{
    struct assay_proto_field f;
    struct assay_proto       scan = w;
    for (;;) {
        if (assay_proto_next(&scan, &f, err))
            return err->code;
        if (!f.number)
            break;
        const struct assay_message_row *row = row_of(m, f.number);
        size_t                          n = 0;
        if (!row || !element_bytes(row))
            continue;
        if (count(&w, row, &f, &n, err))
            return err->code;
        *(size_t *)(void *)(out + row->count_offset) += n;
    }
    for (size_t i = 0; i < m->n_rows; i++) {
        const struct assay_message_row *row = &m->rows[i];
        if (!element_bytes(row))
            continue;
        size_t *n = (size_t *)(void *)(out + row->count_offset);
        void   *list = take(r, &w, *n, element_bytes(row), err);
        if (!list)
            return err->code;
        memcpy(out + row->offset, &list, sizeof list);
        *n = 0; /* counts again while it is filled */
    }
    return ASSAY_OK;
}

static enum assay_code add_numbers(const struct assay_proto *w, const struct assay_message_row *row, const struct assay_proto_field *f,
                                   char *list, size_t *n, struct assay_error *err)
{
    size_t            size = element_bytes(row);
    struct assay_proto packed;
    if (f->type != ASSAY_PROTO_BYTES) {
        memcpy(list + size * (*n)++, &f->bits, size); /* little-endian, as all that assay runs on */
        return ASSAY_OK;
    }
    if (row->kind != ASSAY_MESSAGE_I64S) {
        if (f->length)
            memcpy(list + size * *n, f->at, f->length);
        *n += f->length / size;
        return ASSAY_OK;
    }
    if (assay_proto_enter(w, f, &packed, err))
        return err->code;
    while (packed.at < packed.end) {
        uint64_t bits;
        if (assay_proto_varint(&packed, &bits, err))
            return err->code;
        memcpy(list + size * (*n)++, &bits, size);
    }
    return ASSAY_OK;
}

/* ---- messages ---- */

static enum assay_code read_message(struct reading *r, const struct assay_message *m, struct assay_proto w, char *out,
                                    struct assay_error *err);

static enum assay_code read_inner(struct reading *r, const struct assay_proto *w, const struct assay_message_row *row,
                                  const struct assay_proto_field *f, char *out, struct assay_error *err)
{
    struct assay_proto inner;
    if (assay_proto_enter(w, f, &inner, err))
        return err->code;
    return read_message(r, row->message, inner, out, err);
}

static enum assay_code read_one(struct reading *r, const struct assay_proto *w, const struct assay_message_row *row,
                                const struct assay_proto_field *f, char *at, struct assay_error *err)
{
    void *one = take(r, w, 1, row->message->size, err);
    if (!one || read_inner(r, w, row, f, one, err))
        return err->code;
    memcpy(at, &one, sizeof one);
    return ASSAY_OK;
}

static enum assay_code read_list(struct reading *r, const struct assay_proto *w, const struct assay_message_row *row,
                                 const struct assay_proto_field *f, char *out, struct assay_error *err)
{
    size_t *n = (size_t *)(void *)(out + row->count_offset);
    char   *list;
    memcpy(&list, out + row->offset, sizeof list);
    if (row->kind == ASSAY_MESSAGE_MANY)
        return read_inner(r, w, row, f, list + row->message->size * (*n)++, err);
    if (row->kind == ASSAY_MESSAGE_TEXTS)
        return read_text(r, w, f, (const char **)(void *)list + (*n)++, err);
    return add_numbers(w, row, f, list, n, err);
}

static enum assay_code read_single(struct reading *r, const struct assay_proto *w, const struct assay_message_row *row,
                                   const struct assay_proto_field *f, char *at, struct assay_error *err)
{
    const struct assay_message_bytes bytes = {f->at, f->length};
    switch (row->kind) {
    case ASSAY_MESSAGE_I64:
        memcpy(at, &f->bits, sizeof(int64_t));
        return f->type == ASSAY_PROTO_VARINT ? ASSAY_OK : complain(w, f->position, "no whole number where one should be", err);
    case ASSAY_MESSAGE_F32:
        memcpy(at, &f->bits, sizeof(float));
        return f->type == ASSAY_PROTO_FIXED32 ? ASSAY_OK : complain(w, f->position, "no f32 where one should be", err);
    case ASSAY_MESSAGE_TEXT: return read_text(r, w, f, (const char **)(void *)at, err);
    case ASSAY_MESSAGE_BYTES:
        memcpy(at, &bytes, sizeof bytes);
        return f->type == ASSAY_PROTO_BYTES ? ASSAY_OK : complain(w, f->position, "a number where bytes should be", err);
    default: return read_one(r, w, row, f, at, err);
    }
}

static enum assay_code read_message(struct reading *r, const struct assay_message *m, struct assay_proto w, char *out,
                                    struct assay_error *err)
{
    size_t position = (size_t)(w.at - w.file);
    memcpy(out, &position, sizeof position);
    if (take_lists(r, m, w, out, err))
        return assay_error_in(err, "reading a %s", m->name);
    for (;;) {
        struct assay_proto_field         f;
        const struct assay_message_row *row;
        if (assay_proto_next(&w, &f, err))
            return err->code;
        if (!f.number)
            return ASSAY_OK;
        if (!(row = row_of(m, f.number)))
            continue;
        if (element_bytes(row) ? read_list(r, &w, row, &f, out, err) : read_single(r, &w, row, &f, out + row->offset, err))
            return assay_error_in(err, "reading a %s", m->name);
    }
}

enum assay_code assay_message_read(const struct assay_message *message, const void *bytes, size_t length, const char *what,
                                   struct assay_arena *arena, void *out, struct assay_error *err)
{
    struct reading r = {.arena = arena, .room_bytes = arena->used_bytes + ROOM_LEAST + ROOM_FACTOR * length};
    return read_message(&r, message, assay_proto_of(bytes, length, what), out, err);
}
