/* What the tests of matrix units share: units to begin with, and operands that say which order they met. */
#ifndef ASSAY_UNIT_TESTS_UNITS_H
#define ASSAY_UNIT_TESTS_UNITS_H

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "reference/unit/unit.h"

static const char *const unit_names[] = {"fp32-fma",     "tf32-fp32",  "bf16-fp32",         "fp16-fp32",
                                         "fp16-fp16",    "bf16-bf16",  "fp8-fp32",          "fp8-promoted",
                                         "int8-int32",   "int8-saturating16", "tensorcore-aligned", "truncating"};
#define UNITS (sizeof unit_names / sizeof *unit_names)

static inline struct assay_matrix_unit unit_named(const char *name)
{
    struct assay_matrix_unit unit;
    struct assay_error       err = {.code = ASSAY_OK};
    cr_assert_eq(assay_unit_find(name, &unit, &err), ASSAY_OK, "%s: %s", name, err.message);
    return unit;
}

#endif
