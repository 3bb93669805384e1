/* Where two JSON trees differ, in words. */
#ifndef ASSAY_STORE_JSON_DIFFERENCE_H
#define ASSAY_STORE_JSON_DIFFERENCE_H

#include <jansson.h>
#include <stdbool.h>

#include "assay/text.h"

/* Appends the first difference in the order of sorted keys: "'cases.3.id' was "ab…" and is "cd…" now". One line,
 * whatever the trees hold. false: they are equal, nothing is appended. */
bool assay_json_difference(const json_t *was, const json_t *now, struct assay_text *out);

#endif
