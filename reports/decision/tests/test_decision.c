#include <criterion/criterion.h>

#include "harness/judge/tests/candidates.h"
#include "harness/judge/tests/run_builder.h"
#include "reports/decision/decision.h"
#include "reports/pdf.h"
#include "reports/tests/markup.h"

#define HOSTILE "<script>\"'&`=cmd|"

/* A run whose device's name tries to break out, measured; and one that is modelled without a point. */
struct world {
    struct scratch             s;
    struct builder             b[2];
    struct assay_summary       runs[2];
    struct assay_policy        policy;
    struct assay_qualification q;
    char                      *page;
};

static void launch(struct builder *b, const char *id, const char *name, uint32_t k, const char *modelled)
{
    struct assay_record *r = builder_record(0, modelled ? modelled : "cpu:host", k, 900 + k);
    memcpy(r->case_name, name, strlen(name) + 1);
    memcpy(r->id, id, 17);
    r->device = (struct assay_device_info){.size = sizeof r->device,
                                           .clock = modelled ? ASSAY_CLOCK_MODEL : ASSAY_CLOCK_HOST,
                                           .origin = modelled ? ASSAY_ORIGIN_MODELLED : ASSAY_ORIGIN_REAL,
                                           .name = "host",
                                           .queues = 1};
    (void)snprintf(r->device.product, sizeof r->device.product, "%s", modelled ? "M100" : HOSTILE);
    if (modelled && !strcmp(modelled, "model:m300"))
        memcpy(r->device.name, "m300", 5);
    if (modelled) {
        r->evidence = ASSAY_EVIDENCE_MODELLED;
        memcpy(r->grade, "D", 2);
        for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
            r->metric[m] = (struct assay_metric_value){.why = "a required number is assumed"};
        r->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){.has_interval = true,
                                                                         .low = 511,
                                                                         .high = 4227,
                                                                         .level = 0.8,
                                                                         .clock = ASSAY_CLOCK_MODEL,
                                                                         .why = "a required number is assumed"};
    }
    builder_append(b, r);
    builder_judge(b, r, ASSAY_PASS);
    b->verdicts[b->n_verdicts - 1].check.assurance = ASSAY_ASSURANCE_FULL;
}

static void world_write(struct world *w, enum assay_language language)
{
    struct assay_case  c;
    struct assay_error err = {0};
    size_t             bytes;
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &c, &err), ASSAY_OK);
    memset(w, 0, sizeof *w);
    const struct scratch s = w->s = scratch_new();
    for (int i = 0; i < 2; i++) {
        builder_begin(&w->b[i], &s, i ? "modelled" : "real", json_object());
        for (uint32_t k = 0; k < 3; k++)
            launch(&w->b[i], c.id, c.name, k, i == 1 ? "model:m100" : NULL);
        builder_end(&w->b[i], &w->runs[i]);
    }
    assay_case_release(&c);
    cr_assert_eq(policy_of(&w->s, POLICY("", RULE("<b>&rule", "mandatory", FIGURE)), &w->policy, &err), ASSAY_OK, "%s",
                 err.message);
    cr_assert_eq(assay_qualify(&w->policy, w->runs, 2, &w->q, &err), ASSAY_OK);
    cr_assert_eq(assay_decision_write(&w->q, NULL, language, in(&w->s, "page.html"), &err), ASSAY_OK, "%s", err.message);
    w->page = get_bytes(in(&w->s, "page.html"), &bytes);
}

static void world_release(struct world *w)
{
    free(w->page);
    assay_qualification_release(&w->q);
    assay_policy_release(&w->policy);
    assay_summary_release(&w->runs[0]);
    assay_summary_release(&w->runs[1]);
    scratch_remove(&w->s);
}

Test(decision, is_well_formed_in_both_languages_whatever_names_hold)
{
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        struct world w;
        char         room[200];
        world_write(&w, (enum assay_language)l);
        cr_expect(markup_is_well_formed(w.page, room), "%s", room);
        cr_expect(!strstr(w.page, "<script") && !strstr(w.page, "<b>&rule"), "escaped");
        world_release(&w);
    }
}

Test(decision, says_the_measured_one_qualifies_and_the_modelled_one_does_not)
{
    struct world w;
    world_write(&w, ASSAY_ENGLISH);
    cr_expect(strstr(w.page, ": qualified. The only mandatory rule holds by measurement, each at 95 % confidence."));
    cr_expect(
        strstr(w.page, "M100: insufficient evidence. Its figures are modelled, evidence grade D; such figures never qualify."));
    const char *measured = strstr(w.page, "class=\"line\">measured<"), *below = strstr(w.page, "class=\"line\">not measured");
    cr_assert(measured && below);
    cr_expect(measured < below, "measured stands above the line");
    world_release(&w);
}

/* Somewhere between 0.511 and 4.227: a middle of it, of whatever kind, must not stand anywhere. */
Test(decision, prints_no_point_for_a_figure_that_has_none)
{
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        static const char middles[][8] = {"2.369", "1.47 us", "1.469", "2.37 us"};
        struct world      w;
        world_write(&w, (enum assay_language)l);
        cr_expect(strstr(w.page, "0.511 – 4.227 us"));
        for (size_t i = 0; i < sizeof middles / sizeof *middles; i++)
            cr_expect(!strstr(w.page, middles[i]), "%s", middles[i]);
        world_release(&w);
    }
}

Test(decision, the_same_evidence_gives_the_same_bytes)
{
    struct world       w;
    struct assay_error err = {0};
    size_t             bytes;
    world_write(&w, ASSAY_CHINESE);
    cr_assert_eq(assay_decision_write(&w.q, NULL, ASSAY_CHINESE, in(&w.s, "again.html"), &err), ASSAY_OK);
    char *again = get_bytes(in(&w.s, "again.html"), &bytes);
    cr_expect_str_eq(again, w.page);
    free(again);
    world_release(&w);
}

/* ---- page one ------------------------------------------------------------------------------------------------------ */

Test(decision, page_one_has_its_parts_in_the_order_in_which_a_board_reads)
{
    static const char parts[][40] = {"id=\"decision\"",  "id=\"tested\"", "class=\"by\"",     "id=\"candidates\"", "id=\"reasons\"",
                                     "id=\"doubts\"",    "id=\"rule\"",   "id=\"checklist\"", "id=\"validity\"",   "id=\"hashes\"",
                                     "id=\"signatures\"", "id=\"rules\"", "id=\"results\"", "id=\"scaling\"", "id=\"power\"",
                                     "id=\"provenance\"", "id=\"discarded\""};
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        struct world w;
        world_write(&w, (enum assay_language)l);
        const char *last = w.page;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            const char *at = strstr(w.page, parts[i]);
            cr_assert(at, "%s is missing", parts[i]);
            cr_expect(at > last, "%s stands too early", parts[i]);
            last = at;
        }
        world_release(&w);
    }
}

/* What is modelled was not tested, and its model's clock has no place and date. */
Test(decision, what_is_modelled_is_not_listed_as_tested)
{
    struct world w;
    world_write(&w, ASSAY_ENGLISH);
    const char *tested = strstr(w.page, "id=\"tested\""), *end = strstr(tested, "</tbody>"), *m100 = strstr(tested, "M100");
    cr_expect(m100 > end);
    cr_expect(strstr(w.page, "Not tested, but modelled from descriptions: M100."));
    world_release(&w);
}

static bool is_han(const char *at)
{
    return (unsigned char)at[0] >= 0xe4 && (unsigned char)at[0] <= 0xe9;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words that are no names: three in a row, each of three small letters or more, make a sentence. */
static const char *english_sentence(const char *text)
{
    size_t words = 0;
    for (const char *at = text; *at;) {
        size_t n = 0;
        while (is_word(at[n]))
            n++;
        bool small = n >= 3 && at[0] >= 'a' && at[0] <= 'z';
        words = small ? words + 1 : n ? 0 : words;
        if (words == 3)
            return at;
        at += n ? n : 1;
        if (*at && *at != ' ')
            words = 0;
        at += *at == ' ';
    }
    return NULL;
}

/* Text outside of tags, styles and what is quoted from policy and records. */
static char *text_of(const char *page)
{
    char *out = calloc(strlen(page) + 1, 1), *to = out;
    for (const char *at = strstr(page, "<body>"); *at;) {
        if (!strncmp(at, "<q lang=\"", 9) || !strncmp(at, "<span lang=\"", 12) || !strncmp(at, "<code>", 6)) {
            at = strstr(at, at[1] == 'q' ? "</q>" : at[1] == 's' ? "</span>" : "</code>");
        } else if (*at == '<') {
            at = strchr(at, '>') + 1;
            *to++ = '\n';
        } else
            *to++ = *at++;
    }
    return out;
}

Test(decision, the_chinese_page_has_no_english_sentence_and_no_half_width_punctuation)
{
    struct world w;
    world_write(&w, ASSAY_CHINESE);
    char *text = text_of(w.page);
    cr_expect(english_sentence("this is one: some plain words here") && !english_sentence("assay 0.1.0 Kunlunxin P800"));
    const char *english = english_sentence(text);
    cr_expect(!english, "%.60s", english ? english : "");
    for (char *at = text + 1; *at; at++)
        if (strchr(",:;()", *at))
            cr_expect(!is_han(at + 1) && (at < text + 3 || !is_han(at - 3)), "%.30s", at > text + 12 ? at - 12 : text);
    free(text);
    world_release(&w);
}

/* ---- a curve of its own -------------------------------------------------------------------------------------------- */

#define SERVED(qps) "decoder.serve/model=tiny-dense,batch=8,packed=64,tokens=200@interactive/qps=" qps "+serving/prompt=16,output=8"
#define DEMAND DEMAND_OF("\"device\":\"model\",\"name\":\"M100\",\"power_watts\":400")
#define DEMAND_OF(offer)                                                                                                         \
    "\"offers\":[{" offer ",\"price_question\":\"what <b>it</b> costs\"}],\"demand\":{\"unit\":\"token\",\"per_s_by_hour\":[1000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0," \
    "0,0,0,0,0,0,0,0],\"first_token_s\":{\"p50\":1,\"p99\":2},\"case\":\"" SERVED("1") "\"},\"costs\":{\"currency\":\"CNY\",\"tax_included\":true,"   \
    "\"includes\":\"all\",\"prices_valid_until\":\"2027-01-01\",\"host_price\":1000,\"devices_per_host\":8,\"hosts_per_rack\":4,\"host_power_watts\":1000," \
    "\"network_price_per_host\":100,\"power_price_per_kwh\":0.5,\"pue\":1.2,\"years\":5,\"staff_per_year\":10},"

static void serve(struct builder *b, const char *backend, const char *name, double tokens_per_s)
{
    struct assay_case  c;
    struct assay_error err = {0};
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    struct assay_record *r = builder_record(0, backend, 0, 900);
    memcpy(r->case_name, c.name, strlen(c.name) + 1);
    memcpy(r->id, c.id, 17);
    r->evidence = ASSAY_EVIDENCE_MODELLED;
    memcpy(r->grade, "D", 2);
    r->device = (struct assay_device_info){
        .size = sizeof r->device, .clock = ASSAY_CLOCK_MODEL, .origin = ASSAY_ORIGIN_MODELLED, .name = "host", .queues = 1};
    if (!strcmp(backend, "model:m300"))
        memcpy(r->device.name, "m300", 5);
    static const enum assay_metric times[] = {ASSAY_METRIC_latency_ns, ASSAY_METRIC_ttft_ns, ASSAY_METRIC_ttft_p99_ns};
    for (size_t i = 0; i < 3; i++)
        r->metric[times[i]] = (struct assay_metric_value){
            .has_interval = true, .low = 1e8, .high = 9e8, .level = 0.8, .clock = ASSAY_CLOCK_MODEL, .why = "a range alone"};
    r->metric[ASSAY_METRIC_tokens_per_s] = (struct assay_metric_value){
        .has_interval = true, .low = tokens_per_s, .high = 2 * tokens_per_s, .level = 0.8, .clock = ASSAY_CLOCK_MODEL, .why = "a range alone"};
    builder_append(b, r);
    assay_case_release(&c);
}

Test(decision, a_price_stands_beside_who_says_so)
{
    struct world       w;
    struct assay_error err = {0};
    size_t             bytes;
    world_write(&w, ASSAY_ENGLISH);
    struct assay_policy        policy;
    struct assay_qualification q;
    cr_assert_eq(policy_of(&w.s, POLICY("\"offers\":[{\"device\":\"cpu\",\"price\":[5,6,7],\"price_source\":\"The <i>Paper</i>, 2026-01-02\"}],", RULE("time", "mandatory", FIGURE)),
                           &policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&policy, w.runs, 2, &q, &err), ASSAY_OK);
    cr_assert_eq(assay_decision_write(&q, NULL, ASSAY_ENGLISH, in(&w.s, "price.html"), &err), ASSAY_OK);
    char *page = get_bytes(in(&w.s, "price.html"), &bytes);
    cr_expect(strstr(page, "5 – 7; <span lang=\"en\">The &lt;i&gt;Paper&lt;/i&gt;, 2026-01-02</span>") || strstr(page, "5 – 7 ; <span lang=\"en\">The &lt;i&gt;"), "%s", strstr(page, "id=\"provenance\""));
    free(page);
    assay_qualification_release(&q);
    assay_policy_release(&policy);
    world_release(&w);
}

#define CLAUSE(document, text)                                                                                                   \
    "{\"id\":\"time\",\"clause\":{\"document\":\"" document "\",\"number\":\"★1\",\"text\":\"" text                               \
    "\"},\"kind\":\"mandatory\",\"division\":\"closed\",\"evidence\":\"measured\"," FIGURE "}"

/* What a policy says is told as it was written, on a page of either language, and the page says what language it is. */
Test(decision, words_of_the_policy_say_in_which_language_they_are)
{
    static const char *const policies[] = {POLICY("", CLAUSE("The tender", "It shall <be> fast.")), POLICY("", CLAUSE("招标文件", "应当 <快>。"))};
    static const char *const want[] = {"<span lang=\"en\">The tender</span> ★1%s<q lang=\"en\">It shall &lt;be&gt; fast.</q>",
                                       "<span lang=\"zh\">招标文件</span> ★1%s<q lang=\"zh\">应当 &lt;快&gt;。</q>"};
    struct world w;
    world_write(&w, ASSAY_ENGLISH);
    for (int i = 0; i < 2 * ASSAY_LANGUAGES; i++) {
        enum assay_language        language = (enum assay_language)(i % 2);
        struct assay_error         err = {0};
        struct assay_policy        policy;
        struct assay_qualification q;
        char                       clause[300];
        size_t                     bytes;
        cr_assert_eq(policy_of(&w.s, policies[i / 2], &policy, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_qualify(&policy, w.runs, 2, &q, &err), ASSAY_OK);
        cr_assert_eq(assay_decision_write(&q, NULL, language, in(&w.s, "words.html"), &err), ASSAY_OK);
        char *page = get_bytes(in(&w.s, "words.html"), &bytes);
        (void)snprintf(clause, sizeof clause, want[i / 2], language == ASSAY_CHINESE ? "：" : ": ");
        cr_expect(strstr(page, clause), "%s", clause);
        free(page);
        assay_qualification_release(&q);
        assay_policy_release(&policy);
    }
    world_release(&w);
}

/* The runs of the curve stand in a folder of their own: it is no candidate, its curve is its back end's, and its hash is on page one. */
Test(decision, a_curve_in_a_folder_of_its_own_is_its_back_ends)
{
    struct world         w;
    struct builder       b;
    struct assay_error   err = {0};
    struct assay_summary runs[3];
    struct assay_policy  policy;
    size_t               bytes;
    world_write(&w, ASSAY_ENGLISH);
    builder_begin(&b, &w.s, "curve", json_object());
    serve(&b, "model:m100", SERVED("4"), 40);
    serve(&b, "model:m100", SERVED("8"), 80);
    builder_end(&b, &runs[2]);
    runs[0] = w.runs[0];
    runs[1] = w.runs[1];
    struct assay_qualification q;
    cr_assert_eq(policy_of(&w.s, POLICY(DEMAND, RULE("time", "mandatory", FIGURE)), &policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&policy, runs, 3, &q, &err), ASSAY_OK);
    cr_assert_eq(q.n, 2u);
    cr_expect(q.candidates[1].promise.per_s.low == 80 && !q.candidates[1].promise.has_middle && q.candidates[1].promise.is_open);
    cr_assert_eq(assay_decision_write(&q, NULL, ASSAY_ENGLISH, in(&w.s, "curve.html"), &err), ASSAY_OK);
    char *page = get_bytes(in(&w.s, "curve.html"), &bytes);
    cr_expect(strstr(page, "80 – 160/s"), "a range");
    cr_expect(strstr(page, "13 devices in 1 rack"), "1000 a second at 80 a device");
    cr_expect(strstr(page, "no price given"));
    cr_expect(strstr(page, "not given; to be asked: <span lang=\"en\">what &lt;b&gt;it&lt;/b&gt; costs</span></td>"));
    cr_expect(strstr(page, " Prices in CNY, ") && strstr(page, "; they include: <span lang=\"en\">all</span>. Where"));
    cr_expect(strstr(page, "records of curve: "));
    free(page);
    assay_qualification_release(&q);
    assay_policy_release(&policy);
    assay_summary_release(&runs[2]);
    world_release(&w);
}

/* Prices at which two of them cost the same are a range where what they deliver is one: with 40 – 80 and 80 – 160 tokens a second for
 * 1000 it takes 13 to 25 devices against 7 to 13. */
Test(decision, a_parity_of_devices_without_points_has_none)
{
    struct world               w;
    struct builder             b;
    struct assay_error         err = {0};
    struct assay_case          c;
    struct assay_summary       runs[3];
    struct assay_policy        policy;
    struct assay_qualification q;
    size_t                     bytes;
    static const char offers[] = "\"offers\":[{\"device\":\"m300\",\"name\":\"M300\",\"power_watts\":[300,400,500]},";
    char              text[4000];
    world_write(&w, ASSAY_ENGLISH);
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &c, &err), ASSAY_OK);
    builder_begin(&b, &w.s, "others", json_object());
    launch(&b, c.id, c.name, 0, "model:m300");
    serve(&b, "model:m300", SERVED("4"), 40);
    serve(&b, "model:m100", SERVED("4"), 80);
    builder_end(&b, &runs[2]);
    runs[0] = w.runs[0];
    runs[1] = w.runs[1];
    (void)snprintf(text, sizeof text, "%s", POLICY(DEMAND, RULE("time", "mandatory", FIGURE)));
    char *list = strstr(text, "\"offers\":[");
    cr_assert(list);
    memmove(list + sizeof offers - 1, list + strlen("\"offers\":["), strlen(list) - strlen("\"offers\":[") + 1);
    memcpy(list, offers, sizeof offers - 1);
    cr_assert_eq(policy_of(&w.s, text, &policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&policy, runs, 3, &q, &err), ASSAY_OK);
    cr_assert_eq(assay_decision_write(&q, NULL, ASSAY_ENGLISH, in(&w.s, "range.html"), &err), ASSAY_OK);
    char *page = get_bytes(in(&w.s, "range.html"), &bytes);
    cr_expect(strstr(page, "0.28 to 1 times the price of one M100") || strstr(page, "1 to 3.57 times the price of one M300"), "%s",
              strstr(page, "id=\"costs\""));
    cr_expect(!strstr(page, " at 0.52 times") && !strstr(page, " at 1.92 times"), "no point");
    free(page);
    assay_case_release(&c);
    assay_qualification_release(&q);
    assay_policy_release(&policy);
    assay_summary_release(&runs[2]);
    world_release(&w);
}

/* ---- a system of many devices -------------------------------------------------------------------------------------- */

#define STEP "decoder.train/model=tiny-dense,batch=8,tokens=64"

static void counter(struct assay_record *r, const char *name, double value, double low, double high)
{
    struct assay_counter *c = &r->counters[r->n_counters++];
    *c = (struct assay_counter){.status = ASSAY_COUNTER_OK, .value = value, .ranged = high > 0, .low = low, .high = high, .provider = "cluster", .unit = "1"};
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    if (high > 0) {
        c->status = ASSAY_COUNTER_UNAVAILABLE;
        (void)snprintf(c->why, sizeof c->why, "a range alone");
    }
}

static struct assay_record *on_system(const char *backend, const char *case_name, double devices)
{
    struct assay_case  c;
    struct assay_error err = {0};
    cr_assert_eq(assay_case_parse(case_name, &c, &err), ASSAY_OK, "%s", err.message);
    struct assay_record *r = builder_record(0, backend, 0, 900);
    memcpy(r->case_name, c.name, strlen(c.name) + 1);
    memcpy(r->id, c.id, 17);
    r->evidence = ASSAY_EVIDENCE_MODELLED;
    memcpy(r->grade, "D", 2);
    r->device = (struct assay_device_info){.size = sizeof r->device, .clock = ASSAY_CLOCK_MODEL, .origin = ASSAY_ORIGIN_MODELLED, .name = "pod", .queues = 1};
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        r->metric[m] = (struct assay_metric_value){.why = "a range alone"};
    r->n_counters = 0;
    counter(r, "devices", devices, 0, 0);
    assay_case_release(&c);
    return r;
}

static void between(struct assay_record *r, enum assay_metric metric, double low, double high)
{
    r->metric[metric] = (struct assay_metric_value){.has_interval = true, .low = low, .high = high, .level = 0.8, .clock = ASSAY_CLOCK_MODEL, .why = "a range alone"};
}

static void train_on(struct builder *b, const char *backend, double devices, double low_ns, double high_ns)
{
    struct assay_record *r = on_system(backend, STEP, devices);
    counter(r, "plan_tp", 1, 0, 0);
    counter(r, "step_compute", 1, 0, 0);
    counter(r, "power", 0, 800 * devices, 1000 * devices);
    between(r, ASSAY_METRIC_latency_ns, low_ns, high_ns);
    between(r, ASSAY_METRIC_items_per_s, 1e12 / high_ns, 1e12 / low_ns);
    builder_append(b, r);
}

/* 16 devices; 4 of them answer, and show how it scales. 1000 tokens a second at 25 a device take 40 devices: 3 systems, 32 to 40 kW. */
Test(decision, a_system_has_power_needs_and_scaling_from_its_own_runs_and_those_of_a_part)
{
    static const char          whole[] = "cluster:pod,devices=0,dtype=bf16", part[] = "cluster:pod,devices=4,dtype=bf16";
    struct world               w;
    struct builder             b;
    struct assay_error         err = {0};
    struct assay_summary       runs[2];
    struct assay_policy        policy;
    struct assay_qualification q;
    size_t                     bytes;
    world_write(&w, ASSAY_ENGLISH);
    builder_begin(&b, &w.s, "system", json_object());
    train_on(&b, whole, 16, 1e6, 2e6);
    train_on(&b, part, 4, 3e6, 6.8e6);
    struct assay_record *r = on_system(part, "decoder.serve/model=tiny-dense,batch=32,packed=256,tokens=200@interactive/qps=4+serving/prompt=16,output=8", 4);
    between(r, ASSAY_METRIC_latency_ns, 1e8, 9e8);
    between(r, ASSAY_METRIC_ttft_ns, 1e8, 9e8);
    between(r, ASSAY_METRIC_ttft_p99_ns, 1e8, 9e8);
    between(r, ASSAY_METRIC_tokens_per_s, 25, 50); /* of a device */
    builder_append(&b, r);
    builder_end(&b, &runs[1]);
    runs[0] = w.runs[0];
    cr_assert_eq(policy_of(&w.s, POLICY(DEMAND_OF("\"device\":\"pod\",\"name\":\"Pod\""), RULE("time", "mandatory", FIGURE)), &policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&policy, runs, 2, &q, &err), ASSAY_OK);
    cr_assert_eq(q.n, 2u, "the part is no candidate");
    const struct assay_offer *o = q.candidates[1].offer;
    cr_assert(o);
    cr_expect(o->system_devices == 16 && o->power_watts.low == 800 && o->power_watts.high == 1000 && o->power_has_no_middle);
    cr_expect_eq(o->at_promise_per_s.low, 25);
    cr_assert_eq(assay_decision_write(&q, NULL, ASSAY_ENGLISH, in(&w.s, "system.html"), &err), ASSAY_OK);
    char *page = get_bytes(in(&w.s, "system.html"), &bytes);
    cr_expect(strstr(page, "40 devices of 3 systems of 16<br/><span class=\"short\">32 – 40 kW"));
    cr_expect(strstr(page, "25 – 50/s (more is possible: the curve ends before the limits break; read off 4 of its devices)"));
    cr_expect(strstr(page, "modelled: a share of what a system of 16 draws"));
    const char *strong = strstr(page, "<p>Strong scaling");
    cr_assert(strong);
    cr_expect(strstr(strong, "3.00 – 3.40</td><td class=\"short\">75&#160;% – 85&#160;%"), "%.900s", strong);
    free(page);
    json_t *json = assay_decision_to_json(&q, NULL), *price = json_object_get(json_array_get(json_object_get(json, "candidates"), 1), "price");
    cr_expect_str_eq(json_string_value(json_object_get(price, "question")), "what <b>it</b> costs");
    json_decref(json);
    assay_qualification_release(&q);
    assay_policy_release(&policy);
    assay_summary_release(&runs[1]);
    world_release(&w);
}

/* The same device in two folders, and in one of them by another back end as well. */
Test(decision, candidates_of_one_name_are_told_apart)
{
    struct world               w;
    struct builder             b;
    struct assay_error         err = {0};
    struct assay_case          c;
    struct assay_summary       runs[2];
    struct assay_qualification q;
    static const char          names[][8] = {"one", "two"}, wanted[][24] = {"M100 (one)", "M100 (model:b)", "M100 (two)"};
    world_write(&w, ASSAY_ENGLISH);
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &c, &err), ASSAY_OK);
    for (size_t i = 0; i < 2; i++) {
        builder_begin(&b, &w.s, names[i], json_object());
        launch(&b, c.id, c.name, 0, "model:a");
        if (i == 0)
            launch(&b, c.id, c.name, 0, "model:b");
        builder_end(&b, &runs[i]);
    }
    cr_assert_eq(assay_qualify(&w.policy, runs, 2, &q, &err), ASSAY_OK);
    cr_assert_eq(q.n, 3u);
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(q.candidates[i].name, wanted[i]);
    assay_case_release(&c);
    assay_qualification_release(&q);
    assay_summary_release(&runs[0]);
    assay_summary_release(&runs[1]);
    world_release(&w);
}

/* ---- doubts ---------------------------------------------------------------------------------------------------------- */

/* The part of page one between two of its sections. */
static char *part_of(const char *page, const char *from, const char *to)
{
    const char *begin = strstr(page, from), *end = begin ? strstr(begin, to) : NULL;
    cr_assert(end);
    return strndup(begin, (size_t)(end - begin));
}

static size_t times(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* Four candidates of whom all is modelled, three rules each: three doubts of three candidates; one that is refused already is none of them. */
Test(decision, doubts_are_of_each_candidate_before_they_are_of_one_again)
{
    struct world               w;
    struct builder             b;
    struct assay_error         err = {0};
    struct assay_case          c;
    struct assay_summary       run;
    struct assay_policy        policy;
    struct assay_qualification q;
    size_t                     bytes;
    static const char          backends[][8] = {"model:a", "model:b", "model:c", "model:d"};
    world_write(&w, ASSAY_ENGLISH);
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &c, &err), ASSAY_OK);
    builder_begin(&b, &w.s, "all", json_object());
    for (size_t i = 0; i < 4; i++)
        launch(&b, c.id, c.name, 0, backends[i]);
    builder_end(&b, &run);
    cr_assert_eq(policy_of(&w.s,
                           POLICY("", RULE("one", "mandatory", FIGURE) "," RULE("two", "mandatory", FIGURE) "," RULE("three", "mandatory", FIGURE)), &policy, &err),
                 ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&policy, &run, 1, &q, &err), ASSAY_OK);
    cr_assert_eq(q.n, 4u);
    for (size_t i = 0; i < q.n; i++)
        (void)snprintf(q.candidates[i].name, sizeof q.candidates[i].name, "Chip %c", 'A' + (int)i);
    q.candidates[0].failed = 1;
    q.candidates[0].undecided = 2;
    cr_assert_eq(assay_decision_write(&q, NULL, ASSAY_ENGLISH, in(&w.s, "doubts.html"), &err), ASSAY_OK);
    char *page = get_bytes(in(&w.s, "doubts.html"), &bytes), *doubts = part_of(page, "id=\"doubts\"", "</section>");
    cr_expect_eq(times(doubts, "<li>"), 3u);
    cr_expect_eq(times(doubts, "Chip A"), 0u, "%s", doubts);
    for (char name[] = "Chip B"; name[5] <= 'D'; name[5]++)
        cr_expect_eq(times(doubts, name), 1u, "%s: %s", name, doubts);
    free(doubts);
    free(page);
    assay_case_release(&c);
    assay_qualification_release(&q);
    assay_policy_release(&policy);
    assay_summary_release(&run);
    world_release(&w);
}

/* ---- on paper -------------------------------------------------------------------------------------------------------- */

Test(decision, page_one_is_one_sheet_also_of_sixteen_candidates, .timeout = 120)
{
    struct world               w;
    struct builder             b;
    struct assay_error         err = {0};
    struct assay_case          c;
    struct assay_summary       run;
    struct assay_policy        policy;
    struct assay_qualification q;
    char                       program[32], version[128];
    static const char          signatures[][12] = {"Signatures", "签署"};
    if (assay_pdf_browser(program, version, &err) || system("command -v pdftotext >/dev/null") != 0)
        cr_skip_test("there is no Chromium to print with, or no pdftotext to read what was printed");
    world_write(&w, ASSAY_ENGLISH);
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &c, &err), ASSAY_OK);
    builder_begin(&b, &w.s, "many", json_object());
    for (char backend[] = "model:a"; backend[6] <= 'p'; backend[6]++)
        launch(&b, c.id, c.name, 0, backend);
    builder_end(&b, &run);
    cr_assert_eq(policy_of(&w.s, POLICY(DEMAND_OF("\"device\":\"other\""), RULE("time", "mandatory", FIGURE)), &policy, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_qualify(&policy, &run, 1, &q, &err), ASSAY_OK);
    cr_assert_eq(q.n, 16u);
    for (int l = 0; l < ASSAY_LANGUAGES; l++) {
        cr_assert_eq(assay_decision_write(&q, NULL, (enum assay_language)l, in(&w.s, "many.html"), &err), ASSAY_OK);
        cr_assert_eq(assay_pdf_print(in(&w.s, "many.html"), in(&w.s, "many.pdf"), &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(assay_pdf_page_of(in(&w.s, "many.pdf"), signatures[l]), 1u, "%s", signatures[l]);
    }
    assay_case_release(&c);
    assay_qualification_release(&q);
    assay_policy_release(&policy);
    assay_summary_release(&run);
    world_release(&w);
}
