#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/model/device.h"
#include "harness/model/spec_check.h"

#include "assay/banned.h"

struct spec_options {
    bool json;
};

static const struct assay_option options[] = {
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct spec_options, json), .dflt = "false",
     .help = "print JSON instead of a table"},
    {0},
};

/* What is checked: a description, or one with a buyer's numbers over it; and what is known of the chip without them. */
struct subject {
    struct assay_described *d, *known;
};

static bool is_file(const char *operand)
{
    size_t n = strlen(operand);
    return strchr(operand, '/') || (n > 5 && !strcmp(operand + n - 5, ".json"));
}

static enum assay_code read_subject(const char *operand, struct subject *s, struct assay_error *err)
{
    char               device[64];
    bool               is_device = false;
    struct assay_error none = {.code = ASSAY_OK};
    if (!is_file(operand))
        return assay_described_find(operand, &s->d, err);
    if (assay_spec_is_device(operand, &is_device, err))
        return err->code;
    if (is_device) {
        if (!assay_described_read(operand, &s->d, err))
            (void)assay_described_find(s->d->name, &s->known, &none); /* nobody else may know it */
        return err->code;
    }
    if (assay_spec_device(operand, device, err) || assay_described_find(device, &s->d, err) ||
        assay_described_find(device, &s->known, err))
        return err->code;
    return assay_described_overlay(s->d, operand, err);
}

static void print_json(const struct subject *s, const struct assay_contradiction *found, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "rule", found[i].rule, "field",
                                              assay_device_fields[found[i].field].key, "text",
                                              assay_json_string(found[i].text)));
    assay_cli_print_json(json_pack("{s:s, s:s, s:o}", "device", s->d->name, "sha256", s->d->fingerprint, "contradictions", list));
}

static void print_table(const struct subject *s, const struct assay_contradiction *found, size_t n)
{
    static const char *const titles[] = {"rule", "field", "contradiction", NULL};
    struct assay_table       table;
    size_t                   known = 0;
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++)
        known += s->d->fields[f].state == ASSAY_KNOWN;
    assay_table_init(&table, titles);
    for (size_t i = 0; i < n; i++)
        assay_table_row(&table, (const char *const[]){found[i].rule, assay_device_fields[found[i].field].key, found[i].text});
    if (n)
        assay_table_print(&table, stdout);
    assay_table_release(&table);
    printf("%s: %zu of %d numbers known, %zu contradiction%s\n", s->d->name, known, ASSAY_DEVICE_FIELDS, n, n == 1 ? "" : "s");
}

static enum assay_exit check(const char *operand, bool json)
{
    struct subject              s = {.d = NULL};
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_contradiction *found = calloc(ASSAY_MOST_CONTRADICTIONS, sizeof *found);
    size_t                      n = 0;
    if (!found)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for what is found");
    else if (!read_subject(operand, &s, &err) && s.d) {
        n = assay_spec_check(s.d, s.known, found);
        n = n > ASSAY_MOST_CONTRADICTIONS ? ASSAY_MOST_CONTRADICTIONS : n;
        if (json)
            print_json(&s, found, n);
        else
            print_table(&s, found, n);
    }
    free(found);
    assay_described_free(s.d);
    assay_described_free(s.known);
    return err.code ? assay_cli_fail(&err) : n ? ASSAY_EXIT_NO : ASSAY_EXIT_YES;
}

static void range(struct assay_text *out, const struct assay_quantity *q)
{
    if (q->state == ASSAY_NOT_SUPPORTED)
        assay_text_add(out, "not supported");
    else if (q->state != ASSAY_KNOWN)
        assay_text_add(out, "unknown");
    else if (q->low < q->high)
        assay_text_add(out, "%.6g – %.6g", q->low, q->high);
    else
        assay_text_add(out, "%.6g", q->value);
}

static void print_fields(const struct assay_described *d)
{
    static const char *const titles[] = {"field", ">known", "unit", "provenance", "source", NULL};
    struct assay_table       table;
    assay_table_init(&table, titles);
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++) {
        const struct assay_quantity *q = &d->fields[f];
        char                         known[64], source[700];
        struct assay_text            text = ASSAY_TEXT(known), from = ASSAY_TEXT(source);
        range(&text, q);
        assay_text_add(&from, "%s%s%s", *q->overlay ? q->overlay : "", *q->overlay ? ": " : "", q->source);
        assay_table_row(&table, (const char *const[]){assay_device_fields[f].key, known, assay_device_fields[f].unit,
                                                      q->provenance ? assay_provenance_names[q->provenance] : "–", source});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static enum assay_exit show(const char *operand)
{
    struct subject     s = {.d = NULL};
    struct assay_error err = {.code = ASSAY_OK};
    if (!read_subject(operand, &s, &err) && s.d) {
        const struct assay_described *d = s.d;
        printf("%s  %s, %s (%s), %s\n%s\n", d->name, d->product, d->vendor, d->origin, assay_device_status_names[d->status],
               d->about);
        for (size_t i = 0; i < d->n_said; i++)
            printf("said: %s (%s)\n", d->said[i].what, d->said[i].source);
        print_fields(d);
    }
    assay_described_free(s.d);
    assay_described_free(s.known);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct spec_options *o = given_options;
    (void)given;
    if (n == 2 && !strcmp(operands[0], "check"))
        return check(operands[1], o->json);
    if (n == 2 && !strcmp(operands[0], "show"))
        return show(operands[1]);
    return assay_cli_usage("spec needs what to do and a file or a device: assay spec check offer.json, assay spec show m100");
}

const struct assay_verb assay_verb_spec = {
    .name = "spec",
    .operands = "check|show FILE|DEVICE",
    .summary = "checks the numbers of a device's description, or a buyer's numbers for one, against each other; shows them with their sources",
    .details = "Exit 1: there are contradictions, a row each: a bandwidth below what was measured of the chip, a peak that does not\n"
               "follow from units and clock, numbers with sparsity or of both directions in place of dense ones and of one. Exit 2: the\n"
               "file is broken. What the files have: backends/devices/README.md.",
    .options = options,
    .options_bytes = sizeof(struct spec_options),
    .run = run,
};
