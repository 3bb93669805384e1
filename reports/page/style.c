/* The style sheet of the page. Contrast is at least 4.5 : 1 for text in both themes (checked by tests). */
#include "reports/page/page.h"

#include "assay/banned.h"

#define LIGHT                                                                                                          \
    "--bg:#ffffff;--soft:#f4f6f8;--line:#d5dbe1;--text:#1b232c;--muted:#55606c;--link:#1a56a0;--grid:#dde2e7;"         \
    "--good:#1a6b35;--goodbg:#e6f3ea;--warn:#815000;--warnbg:#fbf0d9;--bad:#a8202c;--badbg:#fbe9ea;--odd:#6a3a93;"      \
    "--oddbg:#f2eaf8;--dull:#55606c;--dullbg:#eceff2;"                                                                 \
    "--s1:#1f5fa8;--s2:#b4530a;--s3:#2b7a3d;--s4:#7b3fa0;--s5:#0b7580;--s6:#b3263a;--s7:#7a5c00;--s8:#55606c;"

#define DARK                                                                                                           \
    "--bg:#12161b;--soft:#1a2027;--line:#333c47;--text:#e4e8ec;--muted:#a3aeb9;--link:#86b6f0;--grid:#2b333c;"         \
    "--good:#7fd49a;--goodbg:#16301f;--warn:#f0c269;--warnbg:#352a12;--bad:#ff9aa2;--badbg:#3d1b1f;--odd:#d0a8ee;"      \
    "--oddbg:#2d2038;--dull:#a3aeb9;--dullbg:#232a32;"                                                                 \
    "--s1:#79b0f2;--s2:#f0a262;--s3:#7fd08f;--s4:#c79bea;--s5:#5fc9d4;--s6:#ff8f9c;--s7:#dcc06a;--s8:#a3aeb9;"

/* In pieces, because a string of C has at most 4095 characters. */
const char *const assay_page_style[] = {
    ":root{" LIGHT "color-scheme:light dark}\n"
    "@media screen and (prefers-color-scheme:dark){:root{" DARK "}}\n"
    "*{box-sizing:border-box}\n"
    "html{scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Noto Sans CJK SC\",\"Helvetica Neue\",Arial,sans-serif;overflow-wrap:break-word}\n"
    "header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}\n"
    "header{padding-top:2.2rem}\n.kicker{margin:0;color:var(--muted);letter-spacing:.08em;text-transform:uppercase;font-size:.75rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:.15rem 0 1rem;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}\n"
    "h2{font-size:1.3rem;line-height:1.3;margin:2.8rem 0 .7rem;padding-bottom:.3rem;border-bottom:1px solid var(--line);font-weight:650}\n"
    "h2.run{font-size:1.6rem;border-bottom-width:3px;overflow-wrap:anywhere}\n"
    "h3{font-size:1rem;margin:1.8rem 0 .5rem;font-weight:650}\nh4{font-size:1rem;margin:1.5rem 0 .3rem;overflow-wrap:anywhere}\n"
    "h5{font-size:.8rem;margin:1.3rem 0 .35rem;color:var(--muted);font-weight:600}\n"
    "p,ul{margin:.5rem 0}\na{color:var(--link);text-underline-offset:.15em}\na:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}\n"
    "small,.small{font-size:.82rem;color:var(--muted)}\ntd small,th small{display:block;font-weight:400;font-size:.78rem;line-height:1.35}\n"
    "code{font:.88em/1.45 ui-monospace,\"SFMono-Regular\",Menlo,Consolas,\"DejaVu Sans Mono\",monospace}\n"
    ".skip{position:absolute;left:-99rem}\n.skip:focus{left:1rem;top:.5rem;background:var(--bg);padding:.3rem .6rem;z-index:3}\n"
    ".lead{font-size:1.1rem;margin:.6rem 0 1rem;overflow-wrap:anywhere}\n"
    ".none{color:var(--muted)}\n.par{color:var(--muted);font-weight:400}\n"
    "td,dd,code,.lead,h1,h4,.be{unicode-bidi:isolate}\n",
    /* navigation */
    "nav{position:sticky;top:0;z-index:2;background:var(--bg);border-bottom:1px solid var(--line)}\n"
    "nav ul{display:flex;gap:.2rem 1.15rem;max-width:76rem;margin:0 auto;padding:.6rem 1.25rem;list-style:none;overflow-x:auto;font-size:.86rem;white-space:nowrap}\n"
    "nav a{text-decoration:none}\nnav a:hover{text-decoration:underline}\nnav .of{color:var(--muted)}\n",
    /* tables */
    "table{border-collapse:collapse;width:100%;font-size:.85rem;line-height:1.4}\n"
    "th,td{padding:.4rem .65rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:anywhere}\n"
    "thead th{font-size:.76rem;font-weight:600;color:var(--muted);border-bottom:1.5px solid var(--muted);vertical-align:bottom;overflow-wrap:normal}\n"
    "tbody th{font-weight:500}\nth:first-child,td:first-child{padding-left:0}\n"
    ".num{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}\ntd.num{white-space:nowrap}\n"
    ".num small,td.why{white-space:normal}\ntd.engine{min-width:24rem}\n.scroll{overflow-x:auto;margin:.4rem 0 .8rem}\n"
    ".results .case{min-width:13rem;max-width:22rem}\n.results .case a{text-decoration:none;color:inherit}\n.results .case a:hover b{text-decoration:underline}\n"
    ".results .case b{color:var(--link)}\n.results .word{overflow-wrap:normal}\n.no{color:var(--muted);font-variant-numeric:tabular-nums;font-weight:400}\n"
    ".results tr:not(.first) .case a{opacity:.999}\n.results tr.first>*{border-top:1px solid var(--muted)}\n.typical{background:var(--soft)}\n.devices td{min-width:7rem}.devices tbody th,.devices td:first-child{min-width:11rem}\n.wide td:last-child{min-width:18rem}\n"
    ".results small{min-width:6rem}\n.be{white-space:nowrap}\n"
    ".unproved{text-decoration:line-through;color:var(--muted)}\n",
    /* marks */
    ".ev{font-size:.8em}\n.ev5{color:var(--s4)}.ev6,.ev7{color:var(--muted)}.ev1{color:var(--s1)}.ev2,.ev3,.ev4{color:var(--s2)}\n"
    ".v{display:inline-block;padding:0 .45rem;border-radius:.7rem;font-size:.78rem;font-weight:600;white-space:nowrap;line-height:1.55}\n"
    ".v1{color:var(--good);background:var(--goodbg)}.v2{color:var(--warn);background:var(--warnbg)}.v3,.vx{color:var(--bad);background:var(--badbg)}"
    ".v4{color:var(--odd);background:var(--oddbg)}.v5,.v0{color:var(--dull);background:var(--dullbg)}\n.noisy{color:var(--warn);font-weight:600}\n"
    ".key{display:inline-block;width:.95em;height:0;border-top:.28em solid currentColor;vertical-align:.25em;border-radius:1px}.key.dashed{border-top-style:dashed}\n",
    /* summary */
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.7rem;padding:0;list-style:none}\n"
    ".tiles li{border:1px solid var(--line);border-top:3px solid currentColor;border-radius:4px;padding:.55rem .75rem .7rem}\n"
    ".tiles b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}\n.tiles small{display:block;margin-top:.25rem;line-height:1.35}\n"
    ".t1{color:var(--good)}.t2{color:var(--warn)}.t3{color:var(--bad)}.t4{color:var(--odd)}.t5{color:var(--dull)}\n.tiles .zero{color:var(--muted);border-color:var(--line)}\n"
    ".cautions{border-left:4px solid var(--warn);background:var(--warnbg);padding:.1rem 1rem .3rem;margin:1.2rem 0;border-radius:0 4px 4px 0}\n.cautions h3{margin:.6rem 0 .2rem}\n.cautions ul{padding-left:1.2rem}\n"
    ".legend{list-style:none;padding:0;font-size:.86rem;display:grid;grid-template-columns:repeat(auto-fit,minmax(19rem,1fr));gap:.15rem 1.5rem}\n.legend .zero{color:var(--muted)}\n"
    ".legend .n{font-variant-numeric:tabular-nums;color:var(--muted)}\n.legend .n::before{content:\"(\"}.legend .n::after{content:\" rows):\"}:lang(zh) .legend .n::before{content:\"（\"}:lang(zh) .legend .n::after{content:\" 行）：\"}\n"
    "dl.facts{margin:.4rem 0;font-size:.86rem}\ndl.facts>div{display:grid;grid-template-columns:minmax(7rem,12rem) minmax(0,1fr);gap:.1rem 1rem;padding:.18rem 0;border-bottom:1px solid var(--line)}\n"
    "ul.absent{margin:.3rem 0 .6rem;padding-left:1.1rem;font-size:.82rem;color:var(--muted)}\nul.absent b{font-weight:500;color:var(--text)}\nul.absent span::before{content:\" – \"}\n"
    "dl.facts dt{color:var(--muted);overflow-wrap:anywhere}\ndl.facts dd{margin:0;overflow-wrap:anywhere}\n"
    "dl.top,dl.phases{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.5rem 1.2rem}\ndl.top>div,dl.phases>div{display:block;border:0;padding:0}\n",
    /* cases */
    "details.one{border-bottom:1px solid var(--line)}\ndetails.one>summary{cursor:pointer;padding:.5rem 0;display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline;list-style:none}\n"
    "summary::-webkit-details-marker{display:none}\nsummary h3{display:inline;margin:0;font-size:.92rem;font-weight:500;flex:1 1 16rem;min-width:0;overflow-wrap:anywhere}\nsummary h3::before{content:\"▸\";color:var(--muted);display:inline-block;width:1.1em}\n"
    "details[open]>summary h3::before{content:\"▾\"}\n.marks{display:flex;gap:.3rem;flex-wrap:wrap}\n"
    ".body{padding:0 0 1.5rem 1.1rem;scroll-margin-top:6rem}\n.backend{border-top:1px solid var(--line);margin-top:1.2rem}\n"
    ".big{font-size:1.25rem;margin:.2rem 0 .5rem}\n.verdict{margin:.3rem 0}\n"
    "pre.repeat{background:var(--soft);border:1px solid var(--line);border-radius:4px;padding:.6rem .8rem;margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}\n"
    "figure{margin:.8rem 0}\n.plot{overflow-x:auto}\n.plot svg{display:block;width:100%;max-width:52rem;height:auto;font-family:inherit}\nfigcaption{font-size:.82rem;color:var(--muted)}\n"
    ".keys{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;padding:0;margin:.3rem 0;color:var(--text)}\n.names{font-size:.85rem}\n.prose{max-width:46rem;padding-left:1.2rem}\n.prose li{margin:.35rem 0}\n"
    ".bars{list-style:none;padding:0;margin:.4rem 0;font-size:.82rem;line-height:1.35}\n.bars li{display:grid;grid-template-columns:minmax(0,20rem) minmax(0,1fr) 9.5rem;gap:.1rem .8rem;align-items:center;padding:.12rem 0;break-inside:avoid}\n"
    ".bars .of{overflow-wrap:anywhere}.bars b{font-weight:500}.bars small{display:inline;font-size:inherit}.bars .rest{border-top:1px solid var(--line);margin-top:.2rem;padding-top:.3rem}\n"
    ".clusters tbody th{min-width:11rem}.stack{display:flex}.piece{height:100%;background:currentColor;print-color-adjust:exact;-webkit-print-color-adjust:exact}.pale{opacity:.45}\n"
    ".swatch{display:inline-block;width:.8em;height:.8em;background:currentColor;border-radius:2px;vertical-align:-.05em;print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    ".pipeline{display:block;width:100%;background:var(--soft)}.pipeline rect{fill:currentColor}.f{color:var(--s1)}.pipeline .b,.swatch.b{color:var(--s3)}.w{color:var(--s7)}.pipeline .odd{opacity:.55}\n"
    ".ranges li{grid-template-columns:minmax(0,19.5rem) minmax(0,1fr) minmax(0,17rem)}.ranges .track{display:block;position:relative;overflow:visible}\n"
    ".ranges .span{position:absolute;top:0;height:100%;min-width:2px;background:currentColor;opacity:.6;border-radius:2px;print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    ".ranges .mid{position:absolute;top:-.15rem;height:calc(100% + .3rem);border-left:2px solid var(--text)}.ranges+.ranges,h4+.ranges{margin-top:.2rem}\n"
    ".panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:.6rem 1.6rem}.panels .plot svg{min-width:0;max-width:25rem}.panels figure{margin:.4rem 0;break-inside:avoid}\n"
    ".worth td,.worth tbody th{white-space:nowrap}\n"
    ".every th,.every td{white-space:nowrap}.every td{text-align:right;font-variant-numeric:tabular-nums}.every thead th{white-space:normal;min-width:5rem}.every tbody th{position:sticky;left:0;background:var(--bg)}\n"
    ".track{background:var(--soft);height:.85rem;border-radius:2px;overflow:hidden}.bar{display:block;height:100%;min-width:1px;background:currentColor;print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    ".b1,.s1{color:var(--s1)}.b2,.s2{color:var(--s2)}.b3,.s3{color:var(--s3)}.b4,.s4{color:var(--s4)}.b5,.s5{color:var(--s5)}.b6,.s6{color:var(--s6)}.b7,.s7{color:var(--s7)}.b8,.s8{color:var(--s8)}\n"
    ".on{display:inline;color:var(--muted);font-weight:400}\n"
    "footer{margin-top:3rem;padding-bottom:2rem;color:var(--muted);font-size:.82rem;border-top:1px solid var(--line)}\n",
    /* heat maps: cells of a table, and marks in a row */
    ".heat td{min-width:5.5rem;border-left:1px solid var(--line)}.heat tbody th{font-weight:500;min-width:7rem;overflow-wrap:normal;position:sticky;left:0;background:var(--bg)}.heat td{print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    ".h1{background:color-mix(in srgb,var(--warnbg) 25%,var(--goodbg))}.h2{background:color-mix(in srgb,var(--warnbg) 50%,var(--goodbg))}.h3{background:color-mix(in srgb,var(--warnbg) 75%,var(--goodbg))}\n"
    ".strip{display:flex;flex-wrap:wrap;gap:1px;margin:.5rem 0}.strip i{width:.75rem;height:1rem;border-radius:1px;print-color-adjust:exact;-webkit-print-color-adjust:exact}.strip .v3{background:currentColor}\n",
    /* phone: the results become cards */
    "@media screen and (max-width:46rem){\n"
    "header,main,footer{padding-left:1rem;padding-right:1rem}\nheader{padding-top:1.3rem}\nnav ul{padding-left:1rem}\nh1{font-size:1.5rem}\n.body{padding-left:0}\n"
    ".scroll th[scope=row]{min-width:6.5rem}.scroll td:not(.num){min-width:7rem}.scroll td.why{min-width:14rem}\n"
    ".cards{overflow:visible}\n.cards table,.cards tbody,.cards tr{display:block}\n.cards thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}\n"
    ".cards tr{border:1px solid var(--line);border-radius:6px;padding:.5rem .8rem .6rem;margin:0 0 .7rem}\n.cards tr.first>*{border-top:0}\n"
    ".cards th,.cards td{display:block;clear:left;min-width:0;border:0;padding:.12rem 0;text-align:left;white-space:normal}\n.results .case{display:block;max-width:none;padding-bottom:.35rem}\n"
    ".cards td{display:flow-root}\n" /* a label of two lines stays beside its figure */
    ".cards td::before{content:attr(data-label);color:var(--muted);float:left;width:6.6rem;padding-right:.4rem;box-sizing:border-box}\n.cards td>small{margin-left:6.6rem}\n.results .ev{margin-right:.2em}\n"
    ".bars li{grid-template-columns:minmax(0,1fr) auto;padding:.25rem 0}.bars .track{grid-row:2;grid-column:1/-1;height:.6rem}.bars .rest>span:empty{display:none}\n"
    ".ranges .track{margin:.15rem 0 .3rem}.ranges li{grid-template-columns:minmax(0,1fr)}.ranges .track{grid-row:auto}\n"
    ".ops tr{display:grid;grid-template-columns:1.35fr 1fr;gap:0 .4rem}.ops th,.ops td:nth-child(4){grid-column:1/-1}.ops td::before{width:4.2rem}.ops td>small{margin-left:4.2rem}.ops td{white-space:nowrap}\n"
    ".every tbody th{position:static}dl.facts>div{grid-template-columns:minmax(0,1fr)}\n.plot svg{min-width:31rem}\n.legend{grid-template-columns:1fr}\n}\n",
    /* paper */
    "@media print{\n@page{size:A4;margin:14mm 12mm}\nbody{font-size:9.5pt;line-height:1.4}\nheader,main,footer{max-width:none;padding:0}\nnav,.skip{display:none}\n"
    "h2{break-after:avoid;margin-top:1.6rem}\nh3,h4,h5,summary,thead{break-after:avoid}\ntr,figure,.tiles li,dl.facts>div,pre{break-inside:avoid}\nthead{display:table-header-group}\n"
    "table{font-size:7.8pt}\ntd small,th small{font-size:6.8pt}\nth,td{padding:.22rem .35rem}\n.scroll,.plot{overflow:visible}\ntd.num{white-space:normal}\n.results .case{min-width:0;max-width:none;width:24%}\n.be{white-space:normal}\n.v{border:1px solid currentColor;background:none}\n"
    ".bars li{grid-template-columns:minmax(0,6.6cm) minmax(0,1fr) 3.4cm;padding:0;font-size:7.8pt}\n.track{background:none;height:.55rem}.ranges{break-inside:avoid}.ranges li{grid-template-columns:minmax(0,6.2cm) minmax(0,1fr) minmax(0,5.4cm)}.ranges .track{border-bottom:.5pt solid var(--line)}.model+.model{break-before:page}\ndetails.one::details-content{content-visibility:visible;display:block;height:auto}\nsummary h3::before{content:none}\n.plot svg{max-width:15cm}\n"
    "a{color:inherit;text-decoration:none}\n.cautions{border:1px solid var(--warn);border-left-width:4px;background:none}\n#cases{break-before:page}\n}\n",
    NULL,
};
