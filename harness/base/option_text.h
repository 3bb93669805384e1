/* Texts inside "k=v,k=v": plain where that cannot be misread, a JSON string where it could. */
#ifndef ASSAY_BASE_OPTION_TEXT_H
#define ASSAY_BASE_OPTION_TEXT_H

#include <stddef.h>

#include "assay/text.h"

/* Appends a text in the canonical form: plain, or a JSON string if it could be misread in a "k=v,k=v" list. */
void assay_option_text_write(const char *value, struct assay_text *out);

/* Reads a JSON string at `from` (which starts with '"') into out[capacity]. Returns where it ended, or NULL when
 * it is malformed or does not fit; *why then says so. Bytes above 127 pass as they are. */
const char *assay_option_text_read(const char *from, char *out, size_t capacity, const char **why);

#endif
