/* Conversions between types, as values with bounds. Shared by Cast and the quantizing ops. */
#ifndef ASSAY_REFERENCE_CONVERT_H
#define ASSAY_REFERENCE_CONVERT_H

#include "reference/elementwise.h"
#include "reference/formats/formats.h"

/* The least and the greatest integer of a type. */
void assay_integer_range(enum assay_dtype dtype, double *low, double *high);
/* The low bits of a whole number below 2^63 in magnitude, read as the type reads them. */
double assay_wrapped(enum assay_dtype dtype, double x);
/* A float cut towards zero; nothing is known of what the type cannot hold or an error may move to the next integer. */
struct assay_bounded assay_bounded_cut(enum assay_dtype dtype, struct assay_bounded x);
/* To be stored as a float of `to`: saturated where that is asked for, else as IEEE or OCP have it. */
struct assay_bounded assay_bounded_to_float(const struct assay_ref_call *call, enum assay_dtype to, struct assay_bounded x,
                                            bool saturate);

#endif
