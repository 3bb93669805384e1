/* The list that a plug-in's probe fills. */
#ifndef ASSAY_RUN_DEVICES_H
#define ASSAY_RUN_DEVICES_H

#include <stddef.h>

#include "assay/backend.h"
#include "assay/error.h"

/* Starts as all zeroes; the owner frees `info`. A device that breaks the agreement leaves its reason in `error` and
 * is not taken. */
struct assay_device_list {
    struct assay_device_info *info;
    size_t n, capacity;
    struct assay_error error;
};

/* The host's device_add: copies, ends strings, checks. Names are unique, plain and not empty. */
void assay_device_list_add(struct assay_device_list *list, const struct assay_device_info *info);

#endif
