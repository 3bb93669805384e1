/* A bounded text that a caller lends and others append to. It never overflows and always ends in NUL;
 * text that does not fit is cut and `cut` says so. */
#ifndef ASSAY_TEXT_H
#define ASSAY_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "assay/error.h"

struct assay_text {
    char  *at;       /* caller's memory */
    size_t capacity; /* bytes at `at`, at least 1 */
    size_t length;   /* bytes written, without the NUL */
    bool   cut;
};

/* struct assay_text t = ASSAY_TEXT(buffer);   buffer must be an array */
#define ASSAY_TEXT(array) assay_text_over((array), sizeof(array))

static inline struct assay_text assay_text_over(char *at, size_t capacity)
{
    struct assay_text text;
    text.at = at;
    text.capacity = capacity;
    text.length = 0;
    text.cut = false;
    at[0] = 0;
    return text;
}

ASSAY_PRINTF(2, 3)
static inline void assay_text_add(struct assay_text *text, const char *fmt, ...)
{
    size_t  room = text->capacity - text->length;
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text->at + text->length, room, fmt, args);
    va_end(args);
    if (wanted < 0)
        return;
    if ((size_t)wanted >= room) {
        text->length = text->capacity - 1;
        text->cut = true;
    } else {
        text->length += (size_t)wanted;
    }
}

#endif
