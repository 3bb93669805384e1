#include "harness/model/quantity.h"

#include <math.h>

#include "assay/banned.h"

const char *const assay_provenance_names[] = {"", "measured", "datasheet", "announced", "reported", "inferred", "assumed", NULL};

struct assay_quantity assay_quantity_none(void)
{
    return (struct assay_quantity){.source = "", .overlay = "", .value = NAN, .low = NAN, .high = NAN};
}

struct place {
    const struct assay_json_file    *file;
    const json_t                    *object;
    const struct assay_quantity_row *row;
    struct assay_arena              *arena;
};

static enum assay_code read_text(const struct place *p, const char *key, const char **out, struct assay_error *err)
{
    const char *text = NULL;
    if (assay_json_text(p->file, p->object, key, true, &text, err))
        return err->code;
    if (!*text)
        return assay_json_fail_at(p->file, p->object, key, err, "%s of %s is empty", key, p->row->key);
    *out = assay_arena_text(p->arena, text);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a description");
}

static enum assay_code read_number(const struct place *p, const char *key, double *out, struct assay_error *err)
{
    const json_t *number = json_object_get(p->object, key);
    if (number && json_is_number(number) && json_number_value(number) == 0 && p->row->least > 0) {
        (void)assay_json_fail_at(p->file, p->object, key, err, "%s of %s is 0, which none has", key, p->row->key);
        return assay_error_hint(err, "what is not known is null or {\"unknown\": \"why\"}; what is not there is {\"supported\": false}");
    }
    if (assay_json_f64(p->file, p->object, key, false, p->row->least, p->row->most, out, err))
        return assay_error_in(err, "reading %s", p->row->key);
    return ASSAY_OK;
}

static enum assay_code check(const struct place *p, const struct assay_quantity *q, struct assay_error *err)
{
    const char *key = p->row->key;
    if (!(q->low <= q->high))
        return assay_json_fail_at(p->file, p->object, "low", err, "%s has the range [%.9g, %.9g], which is inverted", key, q->low, q->high);
    if (q->value < q->low || q->value > q->high)
        return assay_json_fail_at(p->file, p->object, "value", err, "%s is %.9g, outside its own range [%.9g, %.9g]", key, q->value,
                                  q->low, q->high);
    if (q->provenance == ASSAY_ASSUMED && !isnan(q->value)) {
        (void)assay_json_fail_at(p->file, p->object, "value", err, "%s is assumed and has a value: nobody said one", key);
        return assay_error_hint(err, "give low and high, and their derivation as the source");
    }
    return ASSAY_OK;
}

static enum assay_code read_range(const struct place *p, struct assay_quantity *q, struct assay_error *err)
{
    if (read_number(p, "value", &q->value, err) || read_number(p, "low", &q->low, err) || read_number(p, "high", &q->high, err))
        return err->code;
    if (isnan(q->low) != isnan(q->high))
        return assay_json_fail_at(p->file, p->object, NULL, err, "%s has one end of a range only", p->row->key);
    if (isnan(q->low) && isnan(q->value))
        return assay_json_fail_at(p->file, p->object, NULL, err, "%s has no number; what is not known is null", p->row->key);
    if (isnan(q->low))
        q->low = q->high = q->value;
    q->state = ASSAY_KNOWN;
    return ASSAY_OK;
}

static enum assay_code read_from(const struct place *p, struct assay_quantity *q, struct assay_error *err)
{
    int provenance = 0;
    if (assay_json_word(p->file, p->object, "provenance", true, assay_provenance_names, &provenance, err) || read_text(p, "source", &q->source, err))
        return assay_error_in(err, "reading %s", p->row->key);
    q->provenance = (enum assay_provenance)provenance;
    return ASSAY_OK;
}

/* What says that there is no number: {"unknown": why} or {"supported": false, …}. */
static enum assay_code read_absence(const struct place *p, struct assay_quantity *q, bool *absent, struct assay_error *err)
{
    bool supported = true;
    *absent = json_object_get(p->object, "unknown") != NULL;
    if (*absent && json_object_size(p->object) != 1)
        return assay_json_fail_at(p->file, p->object, "unknown", err, "%s is unknown and yet says more", p->row->key);
    if (*absent)
        return read_text(p, "unknown", &q->source, err);
    enum assay_code code = assay_json_bool(p->file, p->object, "supported", false, &supported, err);
    if (code || supported)
        return code;
    if (json_object_get(p->object, "value") || json_object_get(p->object, "low") || json_object_get(p->object, "high"))
        return assay_json_fail_at(p->file, p->object, "supported", err, "%s is not supported and yet has a number", p->row->key);
    *absent = true;
    q->state = ASSAY_NOT_SUPPORTED;
    return read_from(p, q, err);
}

static enum assay_code read_object(const struct place *p, struct assay_quantity *q, struct assay_error *err)
{
    static const char *const known[] = {"value", "low", "high", "provenance", "source", "unknown", "supported"};
    bool                     absent = false;
    enum assay_code          code = assay_json_known_keys(p->file, p->object, known, sizeof known / sizeof *known, err);
    if (code || (code = read_absence(p, q, &absent, err)) || absent)
        return code;
    return read_range(p, q, err) || read_from(p, q, err) || check(p, q, err) ? err->code : ASSAY_OK;
}

enum assay_code assay_quantity_read(const struct assay_json_file *file, const json_t *parent, const struct assay_quantity_row *row,
                                    const char *overlay, struct assay_arena *arena, struct assay_quantity *out, struct assay_error *err)
{
    struct assay_quantity q = assay_quantity_none();
    const struct place    p = {file, json_object_get(parent, row->key), row, arena};
    q.overlay = overlay;
    if (!json_is_null(p.object) && !json_is_object(p.object))
        return assay_json_fail_at(file, parent, row->key, err, "%s must be an object with value or low and high, provenance, source; or null", row->key);
    if (json_is_object(p.object) && read_object(&p, &q, err))
        return err->code;
    *out = q;
    return ASSAY_OK;
}

/* The quantile u of a triangle on [low, high] with its top at `top` (Kotz, van Dorp, "Beyond Beta", 2004, chapter 1). */
static double triangle(double low, double top, double high, double u)
{
    double left = (top - low) / (high - low);
    return u < left ? low + sqrt(u * (high - low) * (top - low)) : high - sqrt((1 - u) * (high - low) * (high - top));
}

double assay_quantity_at(const struct assay_quantity *q, double u)
{
    if (q->state != ASSAY_KNOWN || !(q->low < q->high))
        return q->low;
    if (q->low <= 0) /* a yes or no: at its value, or at even odds */
        return u < (isnan(q->value) ? 0.5 : q->value) ? q->high : q->low;
    double number = isnan(q->value) ? q->low * pow(q->high / q->low, u) : exp(triangle(log(q->low), log(q->value), log(q->high), u));
    return fmin(fmax(number, q->low), q->high);
}

double assay_quantity_middle(const struct assay_quantity *q)
{
    return isnan(q->value) ? assay_quantity_at(q, 0.5) : q->value;
}
