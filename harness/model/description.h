/* What descriptions of devices and of systems have in common: texts, numbers by a table of rows, a buyer's file that is laid over them,
 * and being found by name in the folder that comes with the program. */
#ifndef ASSAY_MODEL_DESCRIPTION_H
#define ASSAY_MODEL_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/model/quantity.h"

/* What the vendor said that is no number, and where that stands. */
struct assay_said {
    const char *what, *source;
};

/* The file that is read, the arena that its texts are kept in, and the path of the buyer's file that it is ("": the description itself). */
struct assay_description_reader {
    const struct assay_json_file *file;
    struct assay_arena           *arena;
    const char                   *overlay;
};

/* The readers leave *out as it was where a member is absent and need not be there. */
enum assay_code assay_description_keep(const struct assay_description_reader *r, const char *text, const char **out, struct assay_error *err);
/* One that is required is not empty either. */
enum assay_code assay_description_text(const struct assay_description_reader *r, const json_t *object, const char *key, bool required,
                                       const char **out, struct assay_error *err);
/* "aliases" and "said" of the file's root; none is an empty array, aliases end with NULL. */
enum assay_code assay_description_aliases(const struct assay_description_reader *r, const char *const **out, struct assay_error *err);
enum assay_code assay_description_said(const struct assay_description_reader *r, const struct assay_said **out, size_t *n,
                                       struct assay_error *err);
/* Those of rows[n] that `parent` has in an object "fields". */
enum assay_code assay_description_fields(const struct assay_description_reader *r, const json_t *parent, bool required,
                                         const struct assay_quantity_row *rows, size_t n, struct assay_quantity *out, struct assay_error *err);
/* Notes that r's file was laid over, by whom: appended to *overlays, and its bytes become part of the fingerprint. */
enum assay_code assay_description_note_overlay(const struct assay_description_reader *r, const char *by, const char **overlays,
                                               char fingerprint[65], struct assay_error *err);

/* By the words of its name or of an alias, in any case and order, however they are joined; makers and kinds of memory do not count. */
bool assay_description_is_called(const char *name, const char *const *aliases, const char *called);

/* A folder of descriptions that comes with the program; `what` names one: "description of a device". */
struct assay_description_kind {
    const char *folder, *what;
    enum assay_code (*read)(const char *path, void **out, struct assay_error *err);
    void (*release)(void *description);
    const char *(*name)(const void *description);
    const char *const *(*aliases)(const void *description);
};
/* By name or alias, any case, or a file (a slash in it, or .json at its end). ASSAY_CONFIG: none such (hint: the nearest);
 * ASSAY_DATA: the file is wrong (line, key, what). */
enum assay_code assay_description_find(const struct assay_description_kind *kind, const char *name, void **out, struct assay_error *err);
/* All there are, sorted by name, each released after the call. One that cannot be read is NULL, told with its error. */
enum assay_code assay_descriptions_list(const struct assay_description_kind *kind,
                                        void (*each)(void *self, const char *name, const void *description, const struct assay_error *why_not),
                                        void *self, struct assay_error *err);

#endif
