#!/usr/bin/env python3
"""Sequences of MLPerf's LoadGen itself, with a system under test that answers at once: which samples it asks for in which order, and for
the server when. Needs the package mlcommons-loadgen 6.0.17. Writes one line a sequence:

    scenario seeds equal_issue samples min_queries qps min_duration_ms rows sha256 queries duration_ns

sha256 is that of `rows` pairs (query, sample), each number a little-endian u64. queries and duration_ns are LoadGen's
generated_query_count and generated_query_duration: the server's sum of that many gaps (else 0 0); offline: queries is the samples of
its query.

    make_loadgen.py OUT              writes the file; some minutes
    make_loadgen.py --check ASSAY    runs the same and compares `assay schedule` with it row by row, times of the server included
"""
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import mlperf_loadgen as lg

SEEDS = {
    "loadgen-v6.0": (2465351861681999779, 14276810075590677512, 3936089224930324775),
    "loadgen-v6.1": (2085463073848966840, 2747215439041700203, 16159082839903944936),
}
SCENARIOS = {"single_stream": "SingleStream", "multi_stream": "MultiStream", "server": "Server", "offline": "Offline"}
# samples, min_queries: around a multiple, a set smaller than a query, both ways to shuffle, data sets of the benchmarks
SHAPES = [(1, 20), (3, 100), (7, 1), (43, 100), (43, 12000), (1024, 100), (1024, 20000), (5000, 12000), (24576, 100), (24576, 20000),
          (65535, 100), (65536, 100), (788379, 12000)]
ROWS = 20000


def settings(scenario, seeds, equal_issue, min_queries, qps, min_duration_ms):
    s = lg.TestSettings()
    s.scenario = getattr(lg.TestScenario, SCENARIOS[scenario])
    s.mode = lg.TestMode.PerformanceOnly
    s.server_target_qps = s.offline_expected_qps = qps
    s.single_stream_expected_latency_ns = 10_000_000
    s.multi_stream_expected_latency_ns = 80_000_000
    s.server_target_latency_ns = 10**9
    s.min_duration_ms, s.max_duration_ms = min_duration_ms, 3000
    s.min_query_count, s.max_query_count = min_queries, 0 if scenario in ("server", "offline") else ROWS
    s.qsl_rng_seed, s.sample_index_rng_seed, s.schedule_rng_seed = SEEDS[seeds]
    s.sample_concatenate_permutation = equal_issue
    return s


def run(s, samples, trace=False):
    """Rows (query, sample), the log's generated_* values, and with `trace` the scheduled times from the first query on."""
    rows, n = [], 0

    def issue(query):
        nonlocal n
        query = list(query)
        rows.extend((n, sample.index) for sample in query)
        n += 1
        lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0) for sample in query])

    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(samples, samples, lambda _: None, lambda _: None)
    folder = tempfile.mkdtemp()
    output = lg.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = folder, False
    log = lg.LogSettings()
    log.log_output, log.enable_trace = output, trace
    lg.StartTestWithLogSettings(sut, qsl, s, log, "")
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    with open(os.path.join(folder, "mlperf_log_detail.txt")) as detail:
        lines = [json.loads(line[line.index("{"):]) for line in detail if '"generated_' in line]
    times = []
    if trace:
        with open(os.path.join(folder, "mlperf_log_trace.json")) as file:
            begun = [line for line in file if '"name":"Sample"' in line and '"ph":"b"' in line]
        at = {int(field(line, "sample_seq")): ns(field(line, "ts")) for line in begun}
        times = [at[i] - at[0] for i in sorted(at)]
    shutil.rmtree(folder)
    return rows, {line["key"]: line["value"] for line in lines}, times


def field(line, key):
    return line.split(f'"{key}":')[1].split(",")[0].split("}")[0]


def ns(text):  # microseconds with three decimals
    whole, part = text.split(".")
    return int(whole) * 1000 + int(part)


def cases():
    for scenario in SCENARIOS:
        for seeds in SEEDS:
            for equal_issue in (False, True):
                for samples, min_queries in SHAPES:
                    if samples == 788379 and seeds == "loadgen-v6.0":
                        continue
                    qps, duration_ms = (50000, 400) if scenario == "server" else (60, 600000)
                    yield scenario, seeds, equal_issue, samples, min_queries, qps, duration_ms


def make(path):
    with open(path, "w") as out:
        out.write("# Made by make_loadgen.py with mlcommons-loadgen 6.0.17.\n")
        for scenario, seeds, equal_issue, samples, min_queries, qps, duration_ms in cases():
            rows, log, _ = run(settings(scenario, seeds, equal_issue, min_queries, qps, duration_ms), samples)
            rows = rows[:ROWS]
            digest = hashlib.sha256(b"".join(struct.pack("<QQ", *row) for row in rows)).hexdigest()
            queries, total = (log["generated_query_count"], log["generated_query_duration"]) if scenario == "server" else (0, 0)
            if scenario == "offline":
                queries = log["generated_samples_per_query"]
            print(scenario, seeds, int(equal_issue), samples, min_queries, qps, duration_ms, len(rows), digest, queries, total, file=out,
                  flush=True)


def check(assay):
    wrong = 0
    for scenario, seeds, equal_issue, samples, min_queries, qps, duration_ms in cases():
        if scenario == "server":  # a trace of so many queries takes its time
            qps, duration_ms = 5000, 2000
        rows, _, times = run(settings(scenario, seeds, equal_issue, min_queries, qps, duration_ms), samples, trace=scenario == "server")
        words = [assay, "schedule", "--scenario", scenario, "--seed-set", seeds, "--qps", str(qps), "--queries", str(len(rows)), "--samples",
                 str(samples), "--min-queries", str(min_queries), "--min-duration", str(duration_ms / 1000)]
        words += ["--equal-issue"] if equal_issue else []
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        mine = [tuple(map(int, line.split(","))) for line in text.split()[1:]]
        equal = [(query, sample) for query, _, sample in mine] == rows
        equal = equal and (scenario != "server" or [at for _, at, _ in mine] == times)
        wrong += not equal
        print("equal" if equal else "DIFFERS", len(rows), "rows:", " ".join(words[1:]), flush=True)
    return wrong


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        sys.exit(1 if check(sys.argv[2]) else 0)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(sys.argv[1])
