/* What a soak shows: the rate of silent errors, and how to say it. */
#include <math.h>
#include <stdio.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/student.h"
#include "harness/judge/soak.h"

#include "assay/banned.h"

#define CONFIDENCE 0.95
#define NS_PER_H 3.6e12

struct assay_soak_rate assay_soak_rate_of(uint64_t mismatches, uint64_t busy_ns)
{
    double years = (double)busy_ns / NS_PER_H / ASSAY_SOAK_YEAR_H;
    if (!busy_ns)
        return (struct assay_soak_rate){.years = 0, .per_year = NAN, .upper_per_year = INFINITY};
    return (struct assay_soak_rate){years, (double)mismatches / years, assay_upper_events(mismatches, CONFIDENCE) / years};
}

static void add_digits(struct assay_text *out, double whole)
{
    char   digits[48];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%.0f", whole);
    for (size_t i = 0; i < n; i++)
        assay_text_add(out, "%s%c", i && (n - i) % 3 == 0 ? "," : "", digits[i]);
}

/* Three digits, and never less than it is: 157562 as 158,000. */
static void add_rounded_up(struct assay_text *out, double x)
{
    double unit = x > 0 ? pow(10, floor(log10(x)) - 2) : 1;
    x = ceil(x / unit * (1 - 1e-12)) * unit;
    if (x < 1000)
        assay_text_add(out, "%.3g", x);
    else if (x < 1e15)
        add_digits(out, x);
    else
        assay_text_add(out, "%.2e", x);
}

void assay_soak_say_most(uint64_t mismatches, uint64_t busy_ns, struct assay_text *out)
{
    struct assay_soak_rate rate = assay_soak_rate_of(mismatches, busy_ns);
    if (!busy_ns) {
        assay_text_add(out, "nothing was compared");
        return;
    }
    assay_text_add(out, mismatches ? "at most " : "fewer than ");
    add_rounded_up(out, rate.upper_per_year);
}

void assay_soak_say(const struct assay_soak_case *all, struct assay_text *out)
{
    struct assay_soak_rate rate = assay_soak_rate_of(all->mismatches, all->busy_ns);
    if (!all->iterations) {
        assay_text_add(out, "Nothing was compared: this shows nothing of silent errors.");
        return;
    }
    if (all->mismatches)
        add_digits(out, (double)all->mismatches);
    assay_text_add(out, "%s in ", all->mismatches > 1 ? " silent errors" : all->mismatches ? " silent error" : "No silent error");
    add_digits(out, (double)all->iterations);
    assay_text_add(out, " executions, %.3g card-hours. ", (double)all->busy_ns / NS_PER_H);
    if (all->mismatches) {
        assay_text_add(out, "That is ");
        add_rounded_up(out, rate.per_year);
        assay_text_add(out, " a year on one card at such work; with 95 %% confidence it is at most ");
        add_rounded_up(out, rate.upper_per_year);
        assay_text_add(out, ".");
        return;
    }
    assay_text_add(out, "With 95 %% confidence that shows only fewer than ");
    add_rounded_up(out, rate.upper_per_year);
    assay_text_add(out, " a year on one card at such work; to show fewer than one takes ");
    add_rounded_up(out, assay_upper_events(0, CONFIDENCE) * ASSAY_SOAK_YEAR_H);
    assay_text_add(out, " card-hours without an error.");
}

static json_t *case_to_json(const struct assay_soak_case *c)
{
    struct assay_soak_rate rate = assay_soak_rate_of(c->mismatches, c->busy_ns);
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "busy_ns", assay_json_u64(c->busy_ns), "wall_ns",
                             assay_json_u64(c->wall_ns), "iterations", assay_json_u64(c->iterations), "mismatches",
                             assay_json_u64(c->mismatches), "stretches", assay_json_u64(c->stretches), "crashed", assay_json_u64(c->crashed),
                             "hung", assay_json_u64(c->hung), "failed", assay_json_u64(c->failed), "guard_bytes_changed",
                             assay_json_u64(c->guard_bytes_changed));
    if (!json)
        return NULL;
    (void)json_object_set_new(json, "silent_errors_per_device_year", assay_json_number(rate.per_year));
    (void)json_object_set_new(json, "upper_limit_95_per_device_year", assay_json_number(rate.upper_per_year));
    if (*c->name)
        (void)json_object_update_new(json, json_pack("{s:o, s:o}", "case", assay_json_string(c->name), "backend", assay_json_string(c->backend)));
    if (*c->why_not)
        (void)json_object_set_new(json, "why_not", assay_json_string(c->why_not));
    if (*c->reason)
        (void)json_object_set_new(json, "last_bad_end", assay_json_string(c->reason));
    return json;
}

json_t *assay_soak_to_json(const struct assay_soak *soak)
{
    char              words[512];
    struct assay_text text = ASSAY_TEXT(words);
    json_t           *cases = json_array();
    for (size_t i = 0; i < soak->n; i++)
        json_array_append_new(cases, case_to_json(&soak->row[i]));
    assay_soak_say(&soak->all, &text);
    return json_pack("{s:o, s:o, s:s}", "cases", cases, "all", case_to_json(&soak->all), "shows", words);
}
