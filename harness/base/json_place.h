/* Where in a JSON file's text something stands; jansson keeps no positions. */
#ifndef ASSAY_BASE_JSON_PLACE_H
#define ASSAY_BASE_JSON_PLACE_H

#include <stddef.h>

#include "harness/base/json.h"

/* The line, counted from 1, of `key` in `object`; with key NULL, of the object's opening brace. Exact for every object
 * of the file's own tree as it was loaded, however often a key's name is repeated elsewhere: text and tree are walked
 * side by side. With object NULL the root's own key is meant if it has one, else the first object in the text that has
 * one of that name. 0 when it is nowhere in the tree. */
size_t assay_json_place_line(const struct assay_json_file *file, const json_t *object, const char *key);

#endif
