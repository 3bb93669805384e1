/* Verdicts to lines of JSON and back. Judging itself is in validate.c. */
#include "harness/judge/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/store/fields.h"

#include "assay/banned.h"

#define FILE_LIMIT_BYTES ((size_t)1 << 30)

static const char *outcome_text(int value)
{
    return assay_outcome_name((enum assay_outcome)value);
}

static const char *assurance_text(int value)
{
    return assay_assurance_name((enum assay_assurance)value);
}

/* Numbers are always written: a 0 of them says something. */
#define ROW(kind, member, key) ASSAY_FIELD(kind, struct assay_verdict, member, key, true)
#define CHECK(kind, member) ROW(kind, check.member, #member)
static const struct assay_field verdict_fields[] = {
    ROW(TEXT, case_name, "case"),
    ROW(TEXT, id, "id"),
    ROW(TEXT, backend, "backend"),
    ROW(U32, launch, "launch"),
    ASSAY_FIELD_NAMED(NAME, struct assay_verdict, check.outcome, "outcome", true, outcome_text, ASSAY_NOT_CHECKED),
    CHECK(TEXT, why),
    ASSAY_FIELD_NAMED(NAME, struct assay_verdict, check.assurance, "assurance", true, assurance_text,
                      ASSAY_ASSURANCE_LEARNED),
    CHECK(U64, elements),
    CHECK(U64, sums),
    CHECK(U64, of_elements),
    CHECK(F64, worst_ratio),
    CHECK(F64, median_ratio),
    CHECK(TEXT, bound),
    CHECK(TEXT, worst_value),
    CHECK(I64, worst_index),
    CHECK(U64, worst_iteration),
    CHECK(F64, worst_observed),
    CHECK(F64, worst_expected),
    CHECK(F64, worst_bound),
    CHECK(U64, errors),
    CHECK(F64, lean),
    CHECK(F64, drift),
    CHECK(F64, rms),
    CHECK(F64, smallest_fault),
    CHECK(U64, iterations),
    CHECK(U64, chosen),
    CHECK(U64, judged),
    CHECK(U64, equal),
    CHECK(F64, cheat_share_found),
    CHECK(U64, not_finite),
    CHECK(U64, poison_left),
    CHECK(U64, zeros),
    ASSAY_FIELD_END,
};
#undef CHECK
#undef ROW

/* ---- writing ---------------------------------------------------------------------------------------------- */

static char *verdict_line(const struct assay_verdict *verdict)
{
    json_t *json = json_object();
    char *line = json && assay_fields_write(verdict_fields, verdict, json) ? assay_json_line(json) : NULL;
    json_decref(json);
    return line;
}

enum assay_code assay_verdicts_write(const char *folder, const struct assay_verdict *verdicts, size_t n,
                                     struct assay_error *err)
{
    char path[4096], *all = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&all, &bytes);
    bool ok = out != NULL;
    enum assay_code code;
    for (size_t i = 0; ok && i < n; i++) {
        char *line = verdict_line(&verdicts[i]);
        ok = line && fprintf(out, "%s\n", line) > 0;
        free(line);
    }
    if (out && fclose(out) != 0)
        ok = false;
    if (!ok)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu verdicts", n);
    else if ((code = assay_path_join(path, sizeof path, folder, "verdicts.jsonl", err)) == ASSAY_OK)
        code = assay_file_replace(path, all, bytes, err);
    free(all);
    return code;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static enum assay_code verdict_read(const char *line, size_t length, const char *place, struct assay_verdict *out,
                                    struct assay_error *err)
{
    json_t *json = NULL;
    if (assay_json_parse(line, length, place, &json, err))
        return err->code;
    enum assay_code code = assay_fields_read(verdict_fields, NULL, json, "", out, err);
    if (code == ASSAY_OK && !out->check.outcome)
        code = assay_fields_fail("", "outcome", "the name of an outcome", NULL, err);
    json_decref(json);
    return code ? assay_error_in(err, "reading %s", place) : ASSAY_OK;
}

static enum assay_code lines_read(const char *path, const char *text, size_t length, struct assay_verdict **out,
                                  size_t *n, struct assay_error *err)
{
    struct assay_verdict *verdicts;
    size_t lines = 0, shown = strlen(path) > 90 ? strlen(path) - 90 : 0;
    for (const char *at = text; (at = memchr(at, '\n', length - (size_t)(at - text))); at++)
        lines++;
    if (length > 0 && text[length - 1] != '\n')
        return ASSAY_FAIL(err, ASSAY_DATA, "%s:%zu: the line is cut off", path + shown, lines + 1);
    if (!(verdicts = calloc(lines + 1, sizeof *verdicts)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %zu verdicts of '%s'", lines, path + shown);
    for (size_t i = 0; i < lines; i++) {
        char place[128];
        const char *end = memchr(text, '\n', length);
        (void)snprintf(place, sizeof place, "%s:%zu", path + shown, i + 1);
        if (verdict_read(text, (size_t)(end - text), place, &verdicts[i], err)) {
            free(verdicts);
            return err->code;
        }
        length -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    *out = verdicts;
    *n = lines;
    return ASSAY_OK;
}

enum assay_code assay_verdicts_read(const char *folder, struct assay_verdict **out, size_t *n, struct assay_error *err)
{
    char path[4096], *text;
    size_t length;
    enum assay_code code;
    if (assay_path_join(path, sizeof path, folder, "verdicts.jsonl", err))
        return err->code;
    if (!assay_file_exists(path)) {
        *out = NULL;
        *n = 0;
        return ASSAY_OK;
    }
    if (assay_file_read(path, FILE_LIMIT_BYTES, &text, &length, err))
        return err->code;
    code = lines_read(path, text, length, out, n, err);
    free(text);
    return code;
}
