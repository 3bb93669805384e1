#include "harness/judge/claims.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/arena.h"
#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/qualify.h"

#include "assay/banned.h"

#define FORMAT "assay-claims/1"
#define LIMIT_BYTES (1u << 20)
#define MOST_CLAIMS 1000

struct owned {
    struct assay_arena     arena;
    struct assay_json_file file;
    bool                   loaded;
};

const char *assay_claim_verdict_name(enum assay_claim_verdict verdict)
{
    static const char *const names[] = {"none",    "confirmed",         "consistent", "not reached",
                                        "refuted", "conditions differ", "not tested"};
    return names[verdict <= ASSAY_CLAIM_NOT_TESTED ? verdict : 0];
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum assay_code text(const struct assay_json_file *f, const json_t *o, const char *key, bool required, const char **out,
                            struct assay_error *err)
{
    *out = "";
    if (assay_json_text(f, o, key, required, out, err))
        return err->code;
    return required && !**out ? assay_json_fail_at(f, o, key, err, "'%s' must not be empty", key) : ASSAY_OK;
}

static enum assay_code read_figure(const struct assay_json_file *f, const json_t *o, const struct assay_expression *e,
                                   struct assay_claim_figure *out, struct assay_error *err)
{
    double             si = 1;
    struct assay_error why = {.code = ASSAY_OK};
    if (assay_json_f64(f, o, "value", true, 1e-30, 1e30, &out->stated, err) || text(f, o, "unit", true, &out->unit, err) ||
        text(f, o, "source", true, &out->source, err) || text(f, o, "date", true, &out->date, err) ||
        text(f, o, "number_format", false, &out->format, err) || text(f, o, "counted", false, &out->counted, err) ||
        assay_json_bool(f, o, "structured_sparsity", false, &out->sparse, err) ||
        assay_json_bool(f, o, "both_directions", false, &out->both_directions, err))
        return err->code;
    if (assay_expression_unit(e, out->unit, &si, &why))
        return assay_json_fail_at(f, o, "unit", err, "%s%s%s", why.message, *why.hint ? "; " : "", why.hint);
    out->si = out->stated * si / (out->sparse ? 2 : 1) / (out->both_directions ? 2 : 1);
    return ASSAY_OK;
}

#define FIGURE_KEYS "value", "unit", "source", "date", "number_format", "counted", "structured_sparsity", "both_directions"

static enum assay_code read_published(const struct assay_json_file *f, const json_t *o, struct assay_claim *c,
                                      struct assay_error *err)
{
    static const char *const known[] = {FIGURE_KEYS};
    json_t                  *published = NULL;
    if (assay_json_object(f, o, "published", false, &published, err) || !published)
        return err->code;
    if (assay_json_known_keys(f, published, known, sizeof known / sizeof *known, err))
        return err->code;
    return read_figure(f, published, &c->expression, &c->published, err);
}

/* Value of the parameter dtype in a case's whole name. */
static void format_of(const char *name, char out[32])
{
    static const char key[] = "dtype=";
    const char       *at = strstr(name, key);
    while (at && at > name && at[-1] != '/' && at[-1] != ',')
        at = strstr(at + 1, key);
    *out = 0;
    if (at)
        (void)snprintf(out, 32, "%.*s", (int)strcspn(at + strlen(key), ",@"), at + strlen(key));
}

static enum assay_code read_claim(const struct assay_json_file *f, const json_t *o, struct assay_claim *c,
                                  struct assay_error *err)
{
    static const char *const known[] = {FIGURE_KEYS, "device", "text", "metric", "kind", "least_share", "case", "published"};
    const char              *metric, *kind, *name = NULL;
    struct assay_error       why = {.code = ASSAY_OK};
    struct assay_case        parsed = {.workload = NULL};
    if (assay_json_known_keys(f, o, known, sizeof known / sizeof *known, err) || text(f, o, "device", true, &c->device, err) ||
        text(f, o, "text", true, &c->text, err) || text(f, o, "metric", true, &metric, err) ||
        text(f, o, "kind", true, &kind, err))
        return err->code;
    c->is_peak = !strcmp(kind, "peak");
    if (!c->is_peak && strcmp(kind, "delivered") != 0)
        return assay_json_fail_at(f, o, "kind", err, "'kind' must be peak or delivered, not '%.30s'", kind);
    if (assay_expression_parse(metric, &c->expression, &why))
        return assay_json_fail_at(f, o, "metric", err, "%s%s%s", why.message, *why.hint ? "; " : "", why.hint);
    if (c->expression.better != ASSAY_BETTER_HIGHER)
        return assay_json_fail_at(f, o, "metric", err, "a claim is of something of which more is better; '%.60s' is not", metric);
    if (read_figure(f, o, &c->expression, &c->claimed, err) ||
        assay_json_f64(f, o, "least_share", c->is_peak, 1e-3, 1, &c->least_share, err) || read_published(f, o, c, err) ||
        assay_json_text(f, o, "case", false, &name, err))
        return err->code;
    if (name && assay_case_parse(name, &parsed, &why))
        return assay_json_fail_at(f, o, "case", err, "unknown case '%.60s': %.120s", name, why.message);
    if (name) {
        memcpy(c->case_id, parsed.id, sizeof c->case_id);
        format_of(parsed.name, c->case_format);
    }
    assay_case_release(&parsed);
    return ASSAY_OK;
}

static enum assay_code find(const char *name, char *path, size_t capacity, struct assay_error *err)
{
    char   folder[400], file[128];
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 5 && !strcmp(name + length - 5, ".json")))
        return assay_string_copy(path, capacity, name) ? ASSAY_OK
                                                       : ASSAY_FAIL(err, ASSAY_CONFIG, "path is too long: '%.60s…'", name);
    struct assay_text t = ASSAY_TEXT(file);
    assay_text_add(&t, "%s.json", name);
    if (t.cut)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "name of claims is too long: '%.60s…'", name);
    if (assay_data_folder("reports/claims", folder, sizeof folder, err) || assay_path_join(path, capacity, folder, file, err))
        return err->code;
    return assay_file_exists(path)
               ? ASSAY_OK
               : ASSAY_FAIL(err, ASSAY_CONFIG, "there are no claims '%.64s'; a file of one's own is given as a path", name);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* "FP16" and "f16", "INT8" and "i8" are the same; "fp8" is any of the formats of eight bits. */
static void plain_format(const char *name, char out[32])
{
    size_t n = 0;
    for (size_t i = 0; name[i] && n + 1 < 32; i++) {
        char c = (char)tolower((unsigned char)name[i]);
        bool dropped = (i == 1 && c == 'p' && out[0] == 'f') || ((i == 1 || i == 2) && !strncasecmp(name, "int", 3));
        if (!dropped && c != ' ')
            out[n++] = c;
    }
    out[n] = 0;
}

static bool same_format(const char *claimed, const char *other)
{
    char a[32], b[32];
    plain_format(claimed, a);
    plain_format(other, b);
    size_t n = strlen(a);
    return !strcmp(a, b) || (n && !strncmp(a, b, n) && (a[n - 1] < '0' || a[n - 1] > '9' || b[n] < '0' || b[n] > '9'));
}

/* How a case counts what its rate is of; "": there is one way only. */
static const char *counted_here(const struct assay_claim *c)
{
    for (size_t i = 0; i < c->expression.n; i++)
        if (c->expression.metric[i] == ASSAY_METRIC_bytes_per_s)
            return "read and written";
    return "";
}

static bool conditions_differ(const struct assay_claim *c, bool here)
{
    const char *format = here ? c->case_format : c->published.format, *counted = here ? counted_here(c) : c->published.counted;
    bool        formats = here && (!*format || !*c->claimed.format) ? false : !same_format(c->claimed.format, format);
    return formats || (*counted && *c->claimed.counted && strcmp(counted, c->claimed.counted) != 0);
}

static bool is_proved(const struct assay_rule *asks, const struct assay_summary_row *row)
{
    for (size_t k = 0; k < row->n_launches; k++)
        if (row->launches[k]->status == ASSAY_STATUS_OK &&
            (assay_record_counts(asks, row->launches[k]) ||
             !assay_assurance_suffices(row->verdicts[k]->check.assurance, asks->assurance)))
            return false;
    return assay_outcome_proves(row->outcome);
}

/* Bounds of x in SI units: of the launches that count on a device of that name. false: there are none. */
static bool measured(struct assay_claim *c, const struct assay_summary *run, double bounds[3])
{
    static const struct assay_rule asks = {.assurance = ASSAY_ASSURANCE_SAMPLED};
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_summary_row *row = &run->rows[i];
        const struct assay_record      *r = row->launches[row->typical];
        if (strcmp(row->id, c->case_id) != 0 || strcmp(r->device.name, c->device) != 0 || !is_proved(&asks, row))
            continue;
        struct assay_estimate e = assay_expression_range(&c->expression, row);
        if (!e.has_value || !e.has_interval)
            continue;
        bounds[0] = e.low;
        bounds[1] = e.value;
        bounds[2] = e.high;
        c->evidence = row->evidence;
        c->compared_with = r->repeat;
        return true;
    }
    return false;
}

static enum assay_claim_verdict place(const struct assay_claim *c, double low, double high)
{
    double claimed = c->claimed.si;
    if (c->is_peak)
        return low > claimed                     ? ASSAY_CLAIM_REFUTED
               : high < c->least_share * claimed ? ASSAY_CLAIM_NOT_REACHED
                                                 : ASSAY_CLAIM_CONSISTENT;
    return low >= claimed ? ASSAY_CLAIM_CONFIRMED : high < claimed ? ASSAY_CLAIM_NOT_REACHED : ASSAY_CLAIM_NOT_TESTED;
}

/* What was measured here comes before what somebody published. */
static void judge(struct assay_claim *c, const struct assay_summary *runs, size_t n)
{
    double x[3] = {c->published.si, c->published.si, c->published.si}, unit = c->claimed.si / c->claimed.stated;
    const struct assay_claim_figure *p = &c->published;
    bool                             here = false;
    for (size_t i = 0; i < n && !here && *c->case_id; i++)
        here = measured(c, &runs[i], x);
    c->verdict = ASSAY_CLAIM_NOT_TESTED;
    c->compared_with = here ? c->compared_with : p->source ? p->source : "";
    if (!here && !p->source)
        return;
    if (!here)
        c->evidence = ASSAY_EVIDENCE_PUBLISHED;
    c->low = x[0] / unit;
    c->value = x[1] / unit;
    c->high = x[2] / unit;
    c->ratio = x[1] / c->claimed.si;
    c->verdict = conditions_differ(c, here) ? ASSAY_CLAIM_CONDITIONS_DIFFER : place(c, x[0], x[2]);
}

static enum assay_code read_all(struct owned *own, const struct assay_summary *runs, size_t n, struct assay_claims *out,
                                struct assay_error *err)
{
    static const char *const      known[] = {"format", "name", "about", "claims"};
    const struct assay_json_file *f = &own->file;
    json_t                       *list = NULL;
    out->path = f->path;
    if (assay_json_known_keys(f, f->root, known, 4, err) || text(f, f->root, "name", true, &out->name, err) ||
        text(f, f->root, "about", true, &out->about, err) || assay_json_array(f, f->root, "claims", true, &list, err))
        return err->code;
    size_t count = json_array_size(list);
    if (count == 0 || count > MOST_CLAIMS)
        return assay_json_fail(f, "claims", err, "a file has 1 to %d claims, not %zu", MOST_CLAIMS, count);
    out->claims = assay_arena_take(&own->arena, count, sizeof *out->claims);
    if (!out->claims)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu claims", count);
    for (size_t i = 0; i < count; i++, out->n++) {
        const json_t *o = json_array_get(list, i);
        if (!json_is_object(o))
            return assay_json_fail(f, "claims", err, "claim %zu must be an object", i + 1);
        if (read_claim(f, o, &out->claims[i], err))
            return assay_error_in(err, "claim %zu", i + 1);
        judge(&out->claims[i], runs, n);
    }
    return ASSAY_OK;
}

enum assay_code assay_claims_read(const char *name_or_path, const struct assay_summary *runs, size_t n, struct assay_claims *out,
                                  struct assay_error *err)
{
    char path[512];
    memset(out, 0, sizeof *out);
    struct owned *own = out->owned = calloc(1, sizeof *own);
    if (!own)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for claims");
    if (find(name_or_path, path, sizeof path, err) || assay_json_load(path, FORMAT, LIMIT_BYTES, &own->file, err))
        return err->code;
    own->loaded = true;
    return read_all(own, runs, n, out, err);
}

void assay_claims_release(struct assay_claims *claims)
{
    struct owned *own = claims->owned;
    if (!own)
        return;
    if (own->loaded)
        assay_json_release(&own->file);
    assay_arena_clear(&own->arena);
    free(own);
    claims->owned = NULL;
}

json_t *assay_claims_to_json(const struct assay_claims *claims)
{
    json_t *all = json_array();
    for (size_t i = 0; i < claims->n; i++) {
        const struct assay_claim *c = &claims->claims[i];
        json_t *o = json_pack("{s:o, s:o, s:s, s:s, s:o, s:o}", "device", assay_json_string(c->device), "text", assay_json_string(c->text), "unit",
                              c->claimed.unit, "verdict", assay_claim_verdict_name(c->verdict), "claimed", assay_json_number(c->claimed.stated),
                              "source", assay_json_string(c->claimed.source));
        if (o && c->evidence) {
            json_object_set_new(o, "evidence", json_string(assay_evidence_name(c->evidence)));
            json_object_set_new(o, "value", assay_json_number(c->value));
            json_object_set_new(o, "ratio", assay_json_number(c->ratio));
            json_object_set_new(o, "compared_with", assay_json_string(c->compared_with));
        }
        json_array_append_new(all, o);
    }
    return all;
}
