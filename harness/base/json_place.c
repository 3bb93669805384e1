#include "harness/base/json_place.h"

#include <stdint.h>
#include <string.h>

#include "assay/banned.h"

/* The text was parsed before, so it is well formed; the checks against `end` only keep a bug of ours harmless. */
struct scan {
    const char   *at, *end;
    size_t        line;
    const json_t *object; /* NULL: any that has the key */
    const char   *key;    /* NULL: the object itself */
    size_t        found;
};

static void skip_blanks(struct scan *scan)
{
    for (; scan->at < scan->end && strchr(" \t\r\n", *scan->at); scan->at++)
        scan->line += *scan->at == '\n';
}

static void skip_one(struct scan *scan)
{
    scan->at += scan->at < scan->end;
}

/* A string, or a number or word. A string has no line breaks in it. */
static void skip_scalar(struct scan *scan)
{
    if (scan->at < scan->end && *scan->at == '"') {
        for (scan->at++; scan->at < scan->end && *scan->at != '"'; skip_one(scan))
            if (*scan->at == '\\')
                skip_one(scan);
        skip_one(scan);
        return;
    }
    while (scan->at < scan->end && !strchr(",]} \t\r\n", *scan->at))
        scan->at++;
}

static void walk(struct scan *scan, json_t *value);

/* jansson keeps members in the order of the text, so names need not be compared with their escapes. */
static void walk_object(struct scan *scan, json_t *object)
{
    if (scan->object == object && !scan->key)
        scan->found = scan->line;
    skip_one(scan);
    for (void *at = json_object_iter(object); at && !scan->found; at = json_object_iter_next(object, at)) {
        skip_blanks(scan);
        if (scan->key && (!scan->object || scan->object == object) && !strcmp(json_object_iter_key(at), scan->key))
            scan->found = scan->line;
        skip_scalar(scan);
        skip_blanks(scan);
        skip_one(scan); /* ':' */
        walk(scan, json_object_iter_value(at));
        skip_blanks(scan);
        skip_one(scan); /* ',' or '}' */
    }
    if (json_object_size(object) == 0) {
        skip_blanks(scan);
        skip_one(scan);
    }
}

/* No deeper than jansson itself goes. */
static void walk(struct scan *scan, json_t *value)
{
    skip_blanks(scan);
    if (json_is_object(value)) {
        walk_object(scan, value);
    } else if (json_is_array(value)) {
        skip_one(scan);
        for (size_t i = 0; i < json_array_size(value) && !scan->found; i++) {
            walk(scan, json_array_get(value, i));
            skip_blanks(scan);
            skip_one(scan);
        }
        if (json_array_size(value) == 0) {
            skip_blanks(scan);
            skip_one(scan);
        }
    } else {
        skip_scalar(scan);
    }
}

size_t assay_json_place_line(const struct assay_json_file *file, const json_t *object, const char *key)
{
    struct scan scan = {file->bytes, file->bytes + file->length, 1, object, key, 0};
    if (!object && !key)
        return 0;
    if (!object && json_object_get(file->root, key))
        scan.object = file->root;
    walk(&scan, file->root);
    return scan.found;
}
