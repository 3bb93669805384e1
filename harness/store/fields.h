/* The members of a struct as a table: one row says both how a member is written to JSON and how it is read again, so
 * the two cannot drift apart. For plain structs of fixed size (records, verdicts). */
#ifndef ASSAY_STORE_FIELDS_H
#define ASSAY_STORE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_FIELD_TEXT_BYTES 2048 /* largest text member */

enum assay_field_kind {
    ASSAY_FIELD_TEXT,  /* char[bytes] */
    ASSAY_FIELD_U64,   /* an integer, or a decimal string beyond int64 */
    ASSAY_FIELD_U32,
    ASSAY_FIELD_I64,
    ASSAY_FIELD_INT,
    ASSAY_FIELD_F64,   /* NaN is null, infinities are "infinity" and "-infinity" */
    ASSAY_FIELD_NAME,  /* an enum by its name; 0 is null */
    ASSAY_FIELD_FLAGS, /* uint32_t as a list of names; a bit without name is "bit_N" */
};

struct assay_field {
    const char           *key; /* NULL ends a table */
    enum assay_field_kind kind;
    bool                  required; /* always written and must be there; else left out when 0 or empty */
    size_t                offset, bytes;
    const char *(*name)(int value); /* NAME: of values 1 .. last; FLAGS: of bits 0 .. last. */
    int last;
};

#define ASSAY_FIELD(kind, type, member, key, required)                                                                 \
    {                                                                                                                  \
        key, ASSAY_FIELD_##kind, required, offsetof(type, member), sizeof(((type *)0)->member), NULL, 0                \
    }
#define ASSAY_FIELD_NAMED(kind, type, member, key, required, name, last)                                               \
    {                                                                                                                  \
        key, ASSAY_FIELD_##kind, required, offsetof(type, member), sizeof(((type *)0)->member), name, last             \
    }
#define ASSAY_FIELD_END                                                                                                \
    {                                                                                                                  \
        NULL, ASSAY_FIELD_TEXT, false, 0, 0, NULL, 0                                                                   \
    }

/* Adds the members of *self to `object`. Invalid UTF-8 in texts is replaced, and a text that grew thereby is cut to
 * fit its member. false: out of memory, or an enum has a value without a name. */
bool assay_fields_write(const struct assay_field *table, const void *self, json_t *object);

/* Reads them from `json`, which must be an object with no keys but the table's, those in `also` (NULL-terminated, may
 * be NULL; the caller reads them) and comments ("//…"). What is absent becomes 0 or empty. `what` names the object in
 * messages ("metrics.latency_ns"; "" for the outermost). On failure *self is part old, part new. ASSAY_DATA. */
enum assay_code assay_fields_read(const struct assay_field *table, const char *const *also, const json_t *json,
                                  const char *what, void *self, struct assay_error *err);

/* One text by itself: as a TEXT member of `bytes` is written (NULL: out of memory), and read (false: no text, or too
 * long). */
json_t *assay_field_text(const char *at, size_t bytes);
bool    assay_field_text_read(const json_t *json, size_t bytes, char *out);

/* "'what.key' must be <expected>, but is <value>", on one line whatever the value holds. */
enum assay_code assay_fields_fail(const char *what, const char *key, const char *expected, const json_t *value,
                                  struct assay_error *err);

#endif
