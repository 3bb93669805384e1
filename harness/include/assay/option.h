/* One row per option: the same row parses the command line, a suite's parameters and a back end's options,
 * checks the range, and prints help and the man page. A table ends with a row whose name is NULL.
 * The target struct is plain data; the row says where in it the value goes. */
#ifndef ASSAY_OPTION_H
#define ASSAY_OPTION_H

#include <stddef.h>
#include <stdint.h>

/* Numbers cross the plug-in line: only ever appended. */
enum assay_option_type {
    ASSAY_OPT_BOOL = 1,  /* bool;     true|false|1|0; a bare --name on the command line means true */
    ASSAY_OPT_I64 = 2,   /* int64_t;  decimal, within [min, max] */
    ASSAY_OPT_F64 = 3,   /* double;   finite, within [min, max] */
    ASSAY_OPT_TEXT = 4,  /* char[bytes]; refused if it does not fit */
    ASSAY_OPT_ENUM = 5,  /* int64_t;  index into choices */
    ASSAY_OPT_DTYPE = 6, /* enum assay_dtype; choices (if any) restrict the names */
    ASSAY_OPT_SECONDS = 7, /* uint64_t nanoseconds; "1.5", "20ms", "3s", "10m" (a bare number is seconds) */
    ASSAY_OPT_BYTES = 8, /* uint64_t; "65536", "64KiB", "1GiB", "2GB" */
    ASSAY_OPT_LIST = 9,  /* char[bytes]; may be given several times, joined by newlines (command line only) */
    ASSAY_OPT_MILLISECONDS = 10, /* uint64_t nanoseconds; as SECONDS, but a bare number is milliseconds, and so are min and max */
};

struct assay_option {
    const char            *name; /* lower case, words joined by '-' on the command line, '_' in parameters */
    enum assay_option_type type;
    size_t                 offset; /* into the target struct */
    size_t                 bytes;  /* room at offset; needed by TEXT and LIST only */
    const char            *dflt;   /* parsed like a given value; NULL = must be given; "" of what is no text: none, left zero */
    const char            *unit;   /* shown in help; NULL = none */
    double                 min, max; /* both 0 = any */
    const char *const     *choices;  /* NULL-terminated; ENUM, and DTYPE if restricted */
    const char            *help;     /* one line, lower case, no full stop */
};

#endif
