/* Tables of measured or wanted kernels: which table it is by its columns, and what each row asks. */
#ifndef ASSAY_MODEL_TABLE_H
#define ASSAY_MODEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/model/coefficients.h"
#include "harness/model/csv.h"
#include "harness/model/kernel.h"

enum assay_cases_kind {
    ASSAY_CASES_GEMM,
    ASSAY_CASES_ATTENTION,
    ASSAY_CASES_MOE,
    ASSAY_CASES_COLLECTIVE,
    ASSAY_CASES_TRAIN,
    ASSAY_CASES_SERVING,
    ASSAY_CASES_MLPERF,
    ASSAY_CASES_KINDS
};
/* What a table is told by. The columns of a figure may be absent: nothing was measured. */
struct assay_cases_table {
    const char        *name;
    const char *const *columns; /* that make it this table, ends with NULL; "device" (or "accelerator") is not among them */
    const char *const *optional;
    const char *const *figures;   /* ends with NULL; kernels have one */
    double             figure_ns; /* of one unit of the figure */
};
extern const struct assay_cases_table assay_cases_tables[ASSAY_CASES_KINDS];

/* The table whose columns are all there, of several the one with the most. ASSAY_DATA: none; the message names the nearest table
 * and the column it lacks. */
enum assay_code assay_cases_recognise(const struct assay_csv *csv, enum assay_cases_kind *out, struct assay_error *err);

/* Likewise of a file. */
enum assay_code assay_cases_recognise_file(const char *path, enum assay_cases_kind *out, struct assay_error *err);

/* What a row asks for. */
struct assay_kernel {
    enum assay_kernel_class class;
    enum assay_format_class format;
    bool                    loops_weights; /* rotated_bytes follows from the chip's cache: see assay_kernel_price */
    union {
        struct assay_gemm_shape       gemm;
        struct assay_attention_shape  attention;
        struct assay_moe_shape        moe;
        struct assay_collective_shape collective;
    };
};
/* Where the columns of a table stand in a file, found once. */
struct assay_cases_columns {
    enum assay_cases_kind kind;
    size_t                at[32]; /* by place in columns, then optional; n_columns: absent */
    size_t                device; /* likewise */
};
struct assay_cases_columns assay_cases_columns_of(const struct assay_csv *csv, enum assay_cases_kind kind);
/* ASSAY_DATA: a cell is no number or no known name; ASSAY_UNSUPPORTED: a table of whole systems. */
enum assay_code assay_cases_kernel(const struct assay_csv *csv, const struct assay_cases_columns *c, size_t row,
                                   struct assay_kernel *out, struct assay_error *err);

/* One row being read: the first cell that is wrong is told. */
struct assay_cases_row {
    const struct assay_csv           *csv;
    const struct assay_cases_columns *c;
    size_t                            row;
};
/* What stands at a place of columns, then optional; "" where the column is absent. Lives with the table. */
const char *assay_cases_text(const struct assay_cases_row *r, size_t place);
/* A number of at least `least`; an empty or absent cell is `otherwise`, NaN: it must be there. ASSAY_DATA: it is none. */
enum assay_code assay_cases_number(const struct assay_cases_row *r, size_t place, double least, double otherwise, double *out,
                                   struct assay_error *err);
/* What the tables' names of formats mean: bfloat16, fp8, fp8_block, nvfp4 … */
struct assay_cases_format {
    const char        *name;
    enum assay_dtype   dtype;
    double             bytes, activation_bytes; /* of a weight and of an element that meets it, with the scales of blocks */
    enum assay_scaling scaling;
    enum assay_format_class class;
};
/* ASSAY_DATA: unknown, with the nearest. */
enum assay_code assay_cases_format_of(const char *name, struct assay_cases_format *out, struct assay_error *err);

/* The model of its class. */
enum assay_code assay_kernel_price(const struct assay_chip *chip, const struct assay_coefficients *k,
                                   const struct assay_kernel *kernel, struct assay_price *out, struct assay_error *err);

#endif
