#include "harness/run/kept_ceiling.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/json.h"

#include "assay/banned.h"

static json_t *asked(const char *what, json_int_t amount)
{
    return json_pack("{s:s, s:s, s:I}", "say", "ask", "what", what, "amount", amount);
}

/* The error's message, or "" of a rate. */
static const char *refusal_of(struct assay_kept_ceiling *kept, json_t *question)
{
    static char        text[sizeof (struct assay_error){0}.message];
    struct assay_error err = {0};
    json_t            *answer = assay_kept_ceiling_answer(kept, question);
    *text = 0;
    if (!json_object_get(answer, "rate")) {
        assay_error_from_json(json_object_get(answer, "error"), &err);
        (void)snprintf(text, sizeof text, "%s", err.message);
    }
    json_decref(answer);
    json_decref(question);
    return text;
}

Test(kept_ceiling, refuses_what_nobody_should_ask_before_it_opens_anything)
{
    struct assay_kept_ceiling kept = {.ceiling = NULL};
    cr_expect(strstr(refusal_of(&kept, asked("weather", 0)), "nobody answers 'weather'"));
    cr_expect(strstr(refusal_of(&kept, asked("peak", -1)), "of -1"));
    cr_expect(strstr(refusal_of(&kept, asked("triad", 1000000001)), "of 1000000001"), "a burst of more than a second");
    cr_expect(strstr(refusal_of(&kept, json_object()), "nobody answers ''"));
    cr_expect(!kept.tried && !kept.ceiling);
}

Test(kept_ceiling, that_cannot_be_opened_is_tried_once_and_says_why)
{
    struct assay_kept_ceiling kept = {.tried = true};
    (void)ASSAY_FAIL(&kept.why_not, ASSAY_MEMORY, "no 1920 MiB for the arrays of the triad");
    cr_expect_str_eq(refusal_of(&kept, asked("open", 0)), "no 1920 MiB for the arrays of the triad");
    assay_kept_ceiling_close(&kept);
    cr_expect(!kept.tried);
}

Test(kept_ceiling, is_none_where_memory_is_short)
{
    struct assay_kept_ceiling kept = {.available_bytes = 4 * assay_ceiling_array_bytes() - 1};
    cr_expect(strstr(refusal_of(&kept, asked("open", 0)), "while others need memory"));
    cr_expect_null(kept.ceiling);
}

Test(kept_ceiling, opens_at_the_first_question_and_answers_bursts, .timeout = 60)
{
    struct assay_kept_ceiling kept = {.available_bytes = 4 * assay_ceiling_array_bytes()};
    cr_expect_str_eq(refusal_of(&kept, asked("open", 0)), "");
    cr_assert(kept.tried && kept.ceiling);
    static const char *const what[] = {"peak", "triad"};
    for (size_t i = 0; i < 2; i++) {
        json_t *question = asked(what[i], 1000000), *answer = assay_kept_ceiling_answer(&kept, question);
        cr_expect(json_number_value(json_object_get(answer, "rate")) > 1e6, "%s", what[i]);
        cr_expect(assay_json_u64_of(answer, "used_ns") >= 100000, "a burst of 1 ms takes CPU time, if others let us");
        json_decref(answer);
        json_decref(question);
    }
    assay_kept_ceiling_close(&kept);
}

/* ---- questions that come one after another ------------------------------------------------------------------------- */

Test(kept_ceiling, serves_until_the_questions_end_and_takes_nothing_that_is_none, .timeout = 60)
{
    static const struct { char asked[120]; enum assay_code code; unsigned answers; } rows[] = {
        {"", ASSAY_OK, 1},
        {"{\"what\": \"weather\"}\n{\"amount\": -3}\n", ASSAY_OK, 3},
        {"{\"what\": \"weather\"}\n{\"wh", ASSAY_OK, 2},
        {"\1\2garbage\n{\"what\": \"weather\"}\n", ASSAY_PROTOCOL, 1},
        {"[1, 2]\n", ASSAY_PROTOCOL, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int                down[2], up[2];
        char               heard[4000] = "";
        unsigned           answers = 0;
        struct assay_error err = {0};
        json_t            *first = asked("news", 0);
        cr_assert(pipe(down) == 0 && pipe(up) == 0);
        cr_assert_eq(write(down[1], rows[i].asked, strlen(rows[i].asked)), (ssize_t)strlen(rows[i].asked));
        (void)close(down[1]);
        cr_expect_eq(assay_kept_ceiling_serve(first, down[0], up[1], &err), rows[i].code, "row %zu: %s", i, err.message);
        (void)close(up[1]);
        cr_expect(read(up[0], heard, sizeof heard - 1) > 0);
        for (const char *at = heard; (at = strstr(at, "nobody answers")) != NULL; at++)
            answers++;
        cr_expect_eq(answers, rows[i].answers, "row %zu: %s", i, heard);
        json_decref(first);
        (void)close(down[0]);
        (void)close(up[0]);
    }
}

/* ---- a worker's side, against a launcher whose answers are written beforehand ------------------------------------------------ */

struct talk {
    int                         down[2], up[2];
    struct assay_ceiling_asker  asker;
    struct assay_ceiling_keeper keeper;
};

static struct talk talk_of(const char *answers)
{
    struct talk        t;
    struct assay_error err = {0};
    cr_assert(pipe(t.down) == 0 && pipe(t.up) == 0);
    cr_assert_eq(write(t.down[1], answers, strlen(answers)), (ssize_t)strlen(answers));
    (void)close(t.down[1]);
    cr_assert_eq(assay_ceiling_asker_init(&t.asker, t.up[1], t.down[0], &err), ASSAY_OK);
    return t;
}

static void end(struct talk *t)
{
    assay_ceiling_asker_release(&t->asker);
    (void)close(t->down[0]);
    (void)close(t->up[0]);
    (void)close(t->up[1]);
}

Test(kept_ceiling, of_another_process_gives_the_rates_that_it_tells)
{
    struct talk           t = talk_of("{\"rate\": 0, \"how\": \"\"}\n{\"rate\": 4.5e11, \"used_ns\": 8000, \"how\": \"\"}\n{\"rate\": 3e10, \"used_ns\": 400}\n{\"rate\": null, \"how\": \"unknown: no name\"}\n");
    struct assay_ceiling *c = NULL;
    struct assay_error    err; /* as callers have it */
    char                  how[128], heard[400] = "";
    t.keeper = assay_ceiling_asker_keeper(&t.asker);
    cr_assert_eq(assay_ceiling_open_kept(&t.keeper, &c, &err), ASSAY_OK);
    cr_expect_eq(assay_ceiling_flops_per_s(c, 0), 4.5e11);
    cr_expect_eq(assay_ceiling_level_bytes_per_s(c, 4096), 3e10);
    cr_expect_eq(assay_ceiling_lent_ns(c), 8400u);
    cr_expect(isnan(assay_ceiling_nominal_flops_per_s(c, how)) && !strcmp(how, "unknown: no name"));
    cr_expect(isnan(assay_ceiling_bytes_per_s(c, 0)), "whoever kept it is gone");
    cr_expect_eq(assay_ceiling_lent_ns(c), 8400u);
    cr_expect(read(t.up[0], heard, sizeof heard - 1) > 0);
    cr_expect(strstr(heard, "\"open\"") && strstr(heard, "\"peak\"") && strstr(heard, "\"level\"") && strstr(heard, "4096"), "%s", heard);
    assay_ceiling_close(c);
    end(&t);
}

Test(kept_ceiling, that_is_refused_or_gone_is_none)
{
    static const struct {
        char answers[200], says[60];
    } rows[] = {
        {"{\"error\": {\"code\": \"MEMORY\", \"message\": \"no memory for it\"}}\n", "no memory for it"},
        {"", "is gone"},
        {"this is no JSON\n", ""},
        {"{\"how\": 3}\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct talk           t = talk_of(rows[i].answers);
        struct assay_ceiling *c = NULL;
        struct assay_error    err = {0};
        t.keeper = assay_ceiling_asker_keeper(&t.asker);
        cr_expect_neq(assay_ceiling_open_kept(&t.keeper, &c, &err), ASSAY_OK, "row %zu", i);
        cr_expect(!c && *err.message && strstr(err.message, rows[i].says), "row %zu: %s", i, err.message);
        end(&t);
    }
}
