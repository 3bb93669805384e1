#include "reports/decision/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "reports/page/page.h"

#include "assay/banned.h"

/* Page one is a sheet of A4; on a phone its tables scroll within themselves. */
static const char *const style[] = {
    ".sheet h2{font-size:1.02rem;margin:1.1rem 0 .35rem;padding-bottom:.15rem}\n.sheet h1{margin-bottom:.3rem}\n.sheet{max-width:70rem}\n"
    ".decisions{list-style:none;padding:0;margin:.4rem 0}.decisions li{padding:.22rem .6rem;margin:.2rem 0;border-left:4px solid var(--line);overflow-wrap:anywhere}\n"
    ".d1{border-color:var(--good)!important;background:var(--goodbg)}.d2{border-color:var(--bad)!important;background:var(--badbg)}.d3{border-color:var(--warn)!important;background:var(--warnbg)}\n"
    ".decisions .d1,.decisions .d2{font-weight:650}\n.sheet table{width:100%;font-size:.84rem}.sheet th,.sheet td{padding:.2rem .4rem;text-align:left;vertical-align:top;white-space:normal;overflow-wrap:break-word}.sheet th[scope=row]{min-width:7rem}.sheet .when{min-width:8.5rem}\n"
    ".sheet .short{white-space:nowrap}.sheet .kicker{text-transform:none;letter-spacing:0}.sheet thead th{min-width:4rem;overflow-wrap:normal}.sheet th:last-child,.sheet td:last-child{min-width:6.5rem}.sheet th.line{border-top:3px double var(--text);font-weight:650}\n.two{display:grid;grid-template-columns:1fr 1fr;gap:0 1.6rem}.two>*{min-width:0}\n"
    ".sheet ol{margin:.3rem 0;padding-left:1.3rem;font-size:.88rem}.sheet ol li{margin:.15rem 0;overflow-wrap:anywhere}\n.sheet p{margin:.25rem 0;font-size:.88rem}\n"
    ".hash{font:.72rem/1.4 ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere;margin:.1rem 0}\n"
    ".by{display:grid;grid-template-columns:1fr 1fr;gap:0 1.6rem}.by p{border-bottom:1px solid var(--text);min-height:1.5rem}\n"
    ".sign{display:grid;grid-template-columns:repeat(3,1fr);gap:0 1.4rem}.sign div{border-bottom:1px solid var(--text);height:2.6rem;font-size:.82rem}.sign small{display:block}\n"
    ".rules td:nth-child(1){min-width:9rem}.rules .found{min-width:11rem}.rules td:nth-child(2){min-width:6rem}.rules td:nth-child(3){min-width:5.5rem}.back td.outcome{border-color:var(--line)!important}.rules td:last-child{min-width:13rem}.rules .outcome{min-width:7.5rem;overflow-wrap:normal;word-break:normal}.back th,.back td{text-align:left;vertical-align:top}.back th{overflow-wrap:normal}.back thead th{word-break:keep-all}.back h3 small{display:block;font-weight:400}.back .short{white-space:nowrap}.rules code{overflow-wrap:anywhere}.back td.case{min-width:9rem}.back th.case{white-space:normal;overflow-wrap:anywhere;min-width:11rem;font-weight:400}\n.back h3{overflow-wrap:anywhere}\n"
    "@media screen and (max-width:46rem){.two,.by,.sign{grid-template-columns:1fr}.scroll table{min-width:44rem}}\n",
    "@media print{@page{size:A4;margin:10mm 11mm}.sheet,.back{max-width:none}.sheet{font-size:8pt;line-height:1.25;break-after:page}.sheet h1{font-size:13pt;margin:0}.sheet .kicker{font-size:7.4pt}\n"
    ".sheet h2{font-size:8.2pt;margin:.3rem 0 .08rem;padding-bottom:0}.sheet p,.sheet ol,.sheet table{font-size:7.4pt;line-height:1.2;margin-top:.05rem;margin-bottom:.05rem}.sheet .decisions{margin:.1rem 0}\n"
    ".sheet .decisions li{padding:.03rem .4rem;margin:.06rem 0;font-size:7.8pt}.sheet th,.sheet td{padding:.05rem .22rem}.sheet thead th{min-width:0;font-size:7pt}.sheet th[scope=row]{min-width:2.2cm}.sheet .when{min-width:2.6cm}.sheet .hash{font-size:5.4pt;line-height:1.15;margin:0}\n"
    ".sheet.dense p,.sheet.dense ol,.sheet.dense table{font-size:6.7pt;line-height:1.12}.sheet.dense .decisions li{font-size:7pt;margin:0}.sheet.dense thead th{font-size:6.3pt}.sheet.dense h2{margin-top:.2rem}.sheet.dense .hash{font-size:5.4pt;margin:0}.sign div{height:1.5rem;font-size:6.9pt}.sign small{font-size:6pt}.by p{min-height:.9rem}.d1,.d2,.d3{background:none}footer{margin-top:.4rem;padding:0}.scroll table{min-width:0}.back h2{margin-top:.9rem}.back{font-size:8.4pt}.back .small{font-size:8.2pt}.back h3{font-size:10pt}.back h3 small{font-size:8pt}.back table{font-size:7.6pt}.back th,.back td{padding:.15rem .3rem}.back code{font-size:6.2pt;line-height:1.25}.rules td:last-child{min-width:5cm}.back tr{break-inside:avoid}.back h2,.back h3,.back h3+.small{break-after:avoid}.back thead th{font-size:7.6pt}.sheet,.sheet section{break-inside:avoid}}\n",
};

static void write_page(struct assay_decision_page *p)
{
    assay_sink_raw(
        &p->to,
        "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"generator\" content=\"assay " ASSAY_VERSION
        "\"/>\n<title>",
        assay_say(p->language, ASSAY_SAY_LANGUAGE_TAG));
    assay_decision_say(p, ASSAY_SAY_TITLE);
    assay_sink_raw(&p->to, "</title>\n<style>\n");
    for (size_t i = 0; assay_page_style[i]; i++)
        assay_sink_raw(&p->to, "%s", assay_page_style[i]);
    for (size_t i = 0; i < sizeof style / sizeof *style; i++)
        assay_sink_raw(&p->to, "%s", style[i]);
    assay_sink_raw(&p->to, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#decision\">");
    assay_decision_say(p, ASSAY_SAY_SKIP);
    assay_sink_raw(&p->to, "</a>\n<main>\n");
    assay_decision_first(p);
    assay_decision_rules(p);
    if (p->claims)
        assay_decision_claims(p);
    assay_decision_results(p);
    assay_decision_scaling(p);
    assay_decision_costs(p);
    assay_decision_orders(p);
    assay_decision_evidence(p);
    assay_sink_raw(&p->to, "</main>\n<footer><p>");
    assay_decision_say_with(p, ASSAY_SAY_FOOTER, (const char *const[]){ASSAY_VERSION, NULL});
    assay_sink_raw(&p->to, "</p></footer>\n</body>\n</html>\n");
}

enum assay_code assay_decision_write(const struct assay_qualification *q, const struct assay_decision_extras *extras,
                                     enum assay_language language, const char *path, struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&bytes, &length);
    if (!out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a page");
    struct assay_decision_page page = {
        .to = {.out = out, .how = ASSAY_ESCAPE_HTML}, .language = language, .q = q};
    if (extras) {
        page.claims = extras->claims;
        page.orders = extras->orders;
    }
    write_page(&page);
    if (fclose(out) != 0 || page.to.failed)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the page '%.160s'", path);
    else
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    return err->code;
}

json_t *assay_decision_to_json(const struct assay_qualification *q, const struct assay_claims *claims)
{
    json_t *out = assay_qualification_to_json(q);
    if (out && claims)
        json_object_set_new(out, "claims", assay_claims_to_json(claims));
    return out;
}
