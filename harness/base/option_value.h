/* One value of an option table: from text into the target, and back. Used by options.c, which knows the tables. */
#ifndef ASSAY_BASE_OPTION_VALUE_H
#define ASSAY_BASE_OPTION_VALUE_H

#include <stddef.h>

#include "assay/error.h"
#include "assay/option.h"
#include "assay/text.h"

/* Bytes that the row's field takes in the target; 0 for a type this program does not know. */
size_t assay_option_value_bytes(const struct assay_option *row);

/* Parses `value` strictly (whole text, C locale, finite, in range) into the row's field. A LIST gets one more
 * line. ASSAY_CONFIG with the option, the value and what would be right; the field is then unchanged. */
enum assay_code assay_option_value_parse(const struct assay_option *row, void *target, const char *value,
                                         struct assay_error *err);

/* "from 1 to 8", "at least 1", or nothing, in the unit of the row's type. */
void assay_option_range_write(const struct assay_option *row, struct assay_text *out);

#endif
