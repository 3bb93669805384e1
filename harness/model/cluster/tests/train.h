/* For tests of published training runs: a row from text, the shipped fits, an answer on a device. */
#ifndef MODEL_CLUSTER_TESTS_TRAIN_H
#define MODEL_CLUSTER_TESTS_TRAIN_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "harness/base/tests/source.h"
#include "harness/model/cluster/train_numbers.h"
#include "suites/blocks/decoder_numbers.h"

#define TRAIN_HEADER "device,devices,model,seq,global_batch,micro_batch,tp,pp,cp,vp,ep,dp,fsdp,precision,recompute,metric,value,unit\n"

static const struct assay_decoder_finder train_shapes = {assay_decoder_numbers_find};

/* The first row of the table's rest. */
static inline enum assay_code train_ask(const char *row, struct assay_train_ask *out, struct assay_error *err)
{
    char             text[1024];
    struct assay_csv csv;
    (void)snprintf(text, sizeof text, "%s%s\n", TRAIN_HEADER, row);
    *err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_csv_parse(text, strlen(text), &csv, err), "%s", err->message);
    const struct assay_cases_columns c = assay_cases_columns_of(&csv, ASSAY_CASES_TRAIN);
    enum assay_code code = assay_train_ask_read(&(struct assay_cases_row){&csv, &c, 0}, assay_csv_cell(&csv, 0, c.device), &train_shapes, out, err);
    assay_csv_release(&csv);
    return code;
}

static inline struct assay_train_ask train_asked(const char *row)
{
    struct assay_train_ask a;
    struct assay_error     err;
    cr_assert_eq(train_ask(row, &a, &err), ASSAY_OK, "%s", err.message);
    return a;
}

static inline struct assay_coefficients train_kernels(const char *vendor)
{
    struct assay_fitted *fitted = calloc(1, sizeof *fitted);
    struct assay_error   err = {.code = ASSAY_OK};
    cr_assert(fitted && !assay_fitted_read(NULL, fitted, &err), "%s", err.message);
    struct assay_coefficients k = assay_fitted_for(fitted, vendor);
    free(fitted);
    return k;
}

/* On a device as described, or on `chip` in its place. */
static inline enum assay_code train_answer(const char *device, const struct assay_chip *chip, const struct assay_train_ask *ask,
                                           struct assay_train_answer *out, struct assay_error *err)
{
    struct assay_described  *d = NULL;
    struct assay_train_desk *desk = NULL;
    *err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_described_find(device, &d, err), "%s", err->message);
    const struct assay_coefficients k = train_kernels(d->vendor);
    const struct assay_chip         middle = assay_chip_middle(d);
    cr_assert(!assay_train_desk_new(d, chip ? chip : &middle, &k, &desk, err), "%s", err->message);
    enum assay_code code = assay_train_answer_of(desk, ask, out, err);
    out->fabric = "";
    assay_train_desk_free(desk);
    assay_described_free(d);
    return code;
}

#endif
