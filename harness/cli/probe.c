#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/cli/cli.h"
#include "harness/cli/probe_repeat.h"
#include "harness/cli/table.h"
#include "harness/run/job.h"

#include "assay/banned.h"

struct probe_options {
    char     backend[640];
    int64_t  dtype, tiles, repeats, processes, arrangements, seed;
    uint64_t timeout_ns;
    bool     json, quiet;
};

static const char *const dtypes[] = {"f32", "bf16", "f16", "i8", NULL};

#define AT(member) offsetof(struct probe_options, member)

static const struct assay_option options[] = {
    {.name = "backend", .type = ASSAY_OPT_TEXT, .offset = AT(backend), .bytes = 640, .dflt = "cpu",
     .help = "the device: name[:device][,option=value…]"},
    {.name = "dtype", .type = ASSAY_OPT_ENUM, .offset = AT(dtype), .dflt = "f32", .choices = dtypes,
     .help = "numerics: of the products; i8 asks for u8 by i8, else i8 by i8, else i32 whose operands may be cut to 8 bits"},
    {.name = "tiles", .type = ASSAY_OPT_I64, .offset = AT(tiles), .dflt = "10000", .min = 1, .max = 1e9,
     .help = "numerics: random tiles of 16 by 16 that are compared bit by bit"},
    {.name = "repeats", .type = ASSAY_OPT_I64, .offset = AT(repeats), .dflt = "100", .min = 1, .max = 1e9,
     .help = "repeat: executions in one process that are compared"},
    {.name = "processes", .type = ASSAY_OPT_I64, .offset = AT(processes), .dflt = "5", .min = 2, .max = 1000,
     .help = "repeat: worker processes"},
    {.name = "arrangements", .type = ASSAY_OPT_I64, .offset = AT(arrangements), .dflt = "16", .min = 1, .max = 1000,
     .help = "repeat: of items in a batch, each way; fewer where memory is short"},
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = AT(seed), .dflt = "1", .min = 0, .max = 9007199254740992.0,
     .help = "repeat: of the inputs and the arrangements"},
    {.name = "timeout-s", .type = ASSAY_OPT_SECONDS, .offset = AT(timeout_ns), .dflt = "600s", .min = 0.5, .max = 86400,
     .help = "a worker that takes longer hangs"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = AT(json), .dflt = "false",
     .help = "as JSON; `unit` in that of numerics is a file for back end emulate"},
    {.name = "quiet", .type = ASSAY_OPT_BOOL, .offset = AT(quiet), .dflt = "false", .help = "no progress"},
    {0},
};

static void print(const json_t *found)
{
    const json_t      *rows = json_object_get(found, "properties");
    char               tiles[48], elements[48];
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"property", "value", "how", NULL});
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        assay_table_row(&table, (const char *const[]){assay_json_text_of(row, "property"), assay_json_text_of(row, "value"), assay_json_text_of(row, "how")});
    }
    assay_table_digits(tiles, (uint64_t)json_integer_value(json_object_get(found, "tiles")));
    assay_table_digits(elements, (uint64_t)json_integer_value(json_object_get(found, "elements")));
    char compared[160];
    (void)snprintf(compared, sizeof compared, "%s random tiles, %s elements, every bit", tiles, elements);
    if (json_is_object(json_object_get(found, "unit")))
        assay_table_row(&table, (const char *const[]){"compared", json_is_true(json_object_get(found, "explained")) ? "equal" : "not equal",
                                                      compared});
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    struct assay_table verdict;
    assay_table_init(&verdict, (const char *const[]){"verdict", NULL});
    assay_table_row(&verdict, (const char *const[]){assay_json_text_of(found, "verdict")});
    assay_table_print(&verdict, stdout);
    assay_table_release(&verdict);
}

static enum assay_exit exit_of(const json_t *found)
{
    const char *name = assay_json_text_of(found, "class");
    return !strcmp(name, "meets") ? ASSAY_EXIT_YES : !strcmp(name, "lower class") ? ASSAY_EXIT_NO : ASSAY_EXIT_INSUFFICIENT;
}

static enum assay_exit probe_numerics(const struct probe_options *o)
{
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_job_watch  watch = {.timeout_ns = o->timeout_ns, .stop = &assay_cli_interrupted};
    struct assay_job_result result;
    assay_cli_catch_interrupts();
    json_t *job = json_pack("{s:s, s:s, s:s, s:I}", "do", "numerics", "backend", o->backend, "dtype",
                            dtypes[o->dtype], "tiles", (json_int_t)o->tiles);
    if (assay_job_run(job, &watch, &result, &err))
        return assay_cli_fail(&err);
    enum assay_exit status;
    const json_t   *found = json_object_get(result.answer, "found");
    if (result.end != ASSAY_JOB_ANSWERED) {
        status = assay_cli_fail(&result.error);
    } else {
        if (o->json)
            assay_cli_print_json(json_deep_copy(found));
        else
            print(found);
        status = exit_of(found);
    }
    assay_job_release(&result);
    return status;
}

static enum assay_exit probe_repeat(size_t n, char **cases, const struct probe_options *o)
{
    const struct assay_probe_repeat with = {
        .backend = o->backend, .runs = (uint64_t)o->repeats, .processes = (uint64_t)o->processes, .arrangements = (uint64_t)o->arrangements,
        .seed = (uint64_t)o->seed, .timeout_ns = o->timeout_ns, .json = o->json, .quiet = o->quiet,
    };
    return assay_cli_probe_repeat(n, cases, &with);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    (void)given;
    if (n == 1 && !strcmp(operands[0], "numerics"))
        return probe_numerics(given_options);
    if (n > 1 && !strcmp(operands[0], "repeat"))
        return probe_repeat(n - 1, operands + 1, given_options);
    return assay_cli_usage("probe asks for numerics or repeat: assay probe numerics --backend cpu, or assay probe repeat gemm --backend cpu");
}

const struct assay_verb assay_verb_probe = {
    .name = "probe",
    .operands = "numerics | repeat CASE…",
    .summary = "finds out what arithmetic a device really does, or whether it gives the same bits again",
    .details = "numerics: from products with crafted operands: formats, rounding, subnormals, how many products are added at once, order,\n"
               "promotion. Exit status 0: explained, and what the judge asks of this type; 1: explained, and less; 5: not explained.\n"
               "repeat: are the output bits of a case the same run after run, in other processes, with other numbers of threads, and of\n"
               "an item among other neighbours, at other places of the batch, in batches of other sizes? Each is a property of its own.\n"
               "Exit status 0: no run differs; 1: some do.",
    .options = options,
    .options_bytes = sizeof(struct probe_options),
    .run = run,
};
