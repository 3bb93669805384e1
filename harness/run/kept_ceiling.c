#include "harness/run/kept_ceiling.h"

#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/memory.h"

#include "assay/banned.h"

#define ANSWER_NS (120 * ASSAY_NS_PER_S) /* for the first, which touches arrays larger than the caches */
#define MEMORY_SHARE 4 /* of what is available; one part of so many may be kept */
#define MOST_BUDGET_NS ((json_int_t)ASSAY_NS_PER_S)

static const char *const questions[ASSAY_CEILING_QUESTIONS] = {"open", "peak", "triad", "level", "nominal"};

/* ---- who keeps it ------------------------------------------------------------------------------------------------ */

json_t *assay_kept_ceiling_refuse(const struct assay_error *why)
{
    return json_pack("{s:o}", "error", assay_error_to_json(why));
}

static enum assay_code keep(struct assay_kept_ceiling *kept)
{
    uint64_t bytes = assay_ceiling_array_bytes(), available = kept->available_bytes ? kept->available_bytes : assay_memory_available_bytes();
    if (bytes > available / MEMORY_SHARE)
        return ASSAY_FAIL(&kept->why_not, ASSAY_MEMORY, "arrays of %llu MiB are not kept while others need memory: %llu MiB are left",
                          (unsigned long long)(bytes >> 20), (unsigned long long)(available >> 20));
    return assay_ceiling_open(0, &kept->ceiling, &kept->why_not);
}

json_t *assay_kept_ceiling_answer(struct assay_kept_ceiling *kept, const json_t *asked)
{
    const char        *name = assay_json_text_of(asked, "what");
    json_int_t         amount = json_integer_value(json_object_get(asked, "amount"));
    struct assay_error wrong = {.code = ASSAY_OK};
    size_t             what = 0;
    while (what < ASSAY_CEILING_QUESTIONS && strcmp(questions[what], name) != 0)
        what++;
    bool is_burst = what == ASSAY_CEILING_PEAK || what == ASSAY_CEILING_TRIAD;
    if (what == ASSAY_CEILING_QUESTIONS || amount < 0 || (is_burst && amount > MOST_BUDGET_NS)) {
        (void)ASSAY_FAIL(&wrong, ASSAY_PROTOCOL, "nobody answers '%.32s' of %lld", name, (long long)amount);
        return assay_kept_ceiling_refuse(&wrong);
    }
    if (!kept->tried)
        (void)keep(kept);
    kept->tried = true;
    if (!kept->ceiling)
        return assay_kept_ceiling_refuse(&kept->why_not);
    struct assay_ceiling_answer answer;
    assay_ceiling_tell(kept->ceiling, (enum assay_ceiling_question)what, (uint64_t)amount, &answer);
    return json_pack("{s:o, s:o, s:s}", "rate", assay_json_number(answer.rate), "used_ns", assay_json_u64(answer.used_ns), "how", answer.how);
}

void assay_kept_ceiling_close(struct assay_kept_ceiling *kept)
{
    assay_ceiling_close(kept->ceiling);
    *kept = (struct assay_kept_ceiling){.ceiling = NULL};
}

enum assay_code assay_kept_ceiling_serve(const json_t *first, int from, int to, struct assay_error *err)
{
    struct assay_kept_ceiling kept = {.ceiling = NULL};
    struct assay_wire         wire;
    json_t                   *asked = NULL;
    if (assay_wire_init(&wire, from, err))
        return err->code;
    enum assay_code code = assay_wire_say(to, assay_kept_ceiling_answer(&kept, first), err);
    while (!code && !(code = assay_wire_next(&wire, UINT64_MAX, &asked, err)) && asked) {
        code = assay_wire_say(to, assay_kept_ceiling_answer(&kept, asked), err);
        json_decref(asked);
    }
    assay_kept_ceiling_close(&kept);
    assay_wire_release(&wire);
    return code;
}

/* ---- a worker ---------------------------------------------------------------------------------------------------- */

static enum assay_code ask(void *self, enum assay_ceiling_question what, uint64_t amount, struct assay_ceiling_answer *out, struct assay_error *err)
{
    struct assay_ceiling_asker *asker = self;
    json_t                     *answer = NULL;
    if (assay_wire_say(asker->to, json_pack("{s:s, s:s, s:o}", "say", "ask", "what", questions[what], "amount", assay_json_u64(amount)), err) ||
        assay_wire_next(&asker->answers, ANSWER_NS, &answer, err))
        return assay_error_in(err, "asking for the ceiling");
    if (!answer)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "whoever keeps the ceiling is gone");
    const json_t *number = json_object_get(answer, "rate");
    if (number) {
        *out = (struct assay_ceiling_answer){.rate = json_is_number(number) ? json_number_value(number) : NAN,
                                             .used_ns = assay_json_u64_of(answer, "used_ns")};
        (void)snprintf(out->how, sizeof out->how, "%.127s", assay_json_text_of(answer, "how"));
    } else {
        assay_error_from_json(json_object_get(answer, "error"), err);
    }
    json_decref(answer);
    return number ? ASSAY_OK : err->code;
}

enum assay_code assay_ceiling_asker_init(struct assay_ceiling_asker *asker, int to, int from, struct assay_error *err)
{
    asker->to = to;
    return assay_wire_init(&asker->answers, from, err);
}

void assay_ceiling_asker_release(struct assay_ceiling_asker *asker)
{
    assay_wire_release(&asker->answers);
}

struct assay_ceiling_keeper assay_ceiling_asker_keeper(struct assay_ceiling_asker *asker)
{
    return (struct assay_ceiling_keeper){ask, asker};
}
