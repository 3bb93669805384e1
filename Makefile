# Assay. `make help` lists the targets. One non-recursive makefile; objects live in build/<CONFIG>/.
#   CONFIG=release|debug|asan|tsan|cov|fuzz   WITH_PAPI, WITH_PFM, WITH_HWLOC, WITH_XLSX = auto|0|1 (see ci/features.sh)
CONFIG  ?= release
PREFIX  ?= /usr/local
V       ?= 0
Q       := $(if $(filter 0,$(V)),@,)
VERSION := 0.1.0
ifeq ($(origin CC),default)
CC := gcc
endif
.DEFAULT_GOAL := all

O := build/$(CONFIG)
FLAGS_release := -O2 -g
FLAGS_debug   := -O0 -g3
# GCC 12's LeakSanitizer takes the size of a plug-in's thread-local memory from a header that glibc 2.36 does not write, and falls
# over it; memory that is laid out when the plug-in is loaded has none.
FLAGS_asan    := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -ftls-model=initial-exec
# Criterion's macros are half of a test's code, and it is not they that are to be looked at; a test's warnings are errors in the plain build.
TEST_FLAGS_asan := -fno-sanitize=undefined -w
FLAGS_fuzz    := -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g1 -fsanitize=thread -fno-omit-frame-pointer
FLAGS_cov     := -O0 -g --coverage
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
        -Wpointer-arith -Wcast-align -Wformat=2 -Wno-format-nonliteral -Werror
# The reference must give the same bits whatever the compiler fuses; the kernels of back ends say otherwise in their backend.mk.
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -ffp-contract=off -pthread $(FLAGS_$(CONFIG)) $(WARN) \
              -Iharness/include -I. -I$(O) $(CFLAGS)
ALL_LDFLAGS := $(FLAGS_$(CONFIG)) -pthread $(LDFLAGS)

# Targets that set the machine up first and then call make again need no features yet.
OUTER := help run check check-long asan tsan lint fuzz faults bench dist install clean new-backend oracle model-table history-table alarms
ifneq ($(filter-out $(OUTER),$(or $(MAKECMDGOALS),all)),)
-include build/features.mk
endif
build/features.mk: ci/features.sh ; $(Q)mkdir -p build && CC='$(CC)' ci/features.sh $@
LIBS := -ljansson -lsodium -lxxhash -lsqlite3 $(FEATURE_LIBS) -ldl -lm
ALL_CFLAGS += $(FEATURE_CFLAGS) -DASSAY_VERSION='"$(VERSION)"'

# A folder may include only what stands before it (ci/layers checks). Linked in the opposite order.
FOLDERS  := harness/base reference/formats reference/unit harness/ir harness/ir/onnx harness/ir/transform reference harness/model harness/model/cluster suites/data suites/weights suites/blocks suites/workloads harness/plan \
            harness/measure harness/load harness/load/serving harness/verify harness/verify/faults harness/store harness/run/ranks harness/run harness/judge harness/judge/history reports reports/page reports/markdown reports/data reports/write reports/decision reports/book reports/trend reports/mlperf harness/cli
SRCS      = $(filter-out harness/cli/main.c,$(foreach f,$(FOLDERS),$(wildcard $(f)/*.c $(f)/ops/*.c)))
LIBRARY  := $(O)/libassay.a
# What first-party back ends may link: values and their judge, nothing later.
# Not the counting malloc: a plug-in must use the program's, or its allocations would not be counted.
CORE_SRCS = $(filter-out harness/base/allocations.c,$(foreach f,harness/base reference/formats reference/unit harness/ir reference harness/model harness/model/cluster,$(wildcard $(f)/*.c $(f)/ops/*.c)))
CORE     := $(O)/libassay-core.a

NAMES := $(patsubst backends/%/backend.mk,%,$(wildcard backends/*/backend.mk))
include $(wildcard backends/*/backend.mk)
PLUGINS := $(NAMES:%=$(O)/backends/assay-%.so)
TESTS   := $(patsubst %.c,$(O)/%,$(wildcard $(addsuffix /tests/test_*.c,$(FOLDERS) harness/include/assay $(NAMES:%=backends/%))))

.PHONY: $(OUTER) all tests FORCE
all: $(O)/assay $(PLUGINS)
	$(Q)[ $(CONFIG) != release ] || { ln -sfn release/assay build/assay; ln -sfn release/backends build/backends; }

$(O)/flags: FORCE
	$(Q)mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' > $@
# Criterion's macros take char *, so tests may not be held to const strings.
$(O)/%.o: %.c $(O)/flags
	$(Q)mkdir -p $(@D); [ $(V) = 0 ] && echo "cc $<" || :; $(CC) $(ALL_CFLAGS) $(if $(findstring /tests/,$<),-Wno-write-strings -Wno-missing-prototypes $(TEST_FLAGS_$(CONFIG))) $(CFLAGS_$<) -MMD -MP -c -o $@ $<
# Loops that are to become vectors. Nothing reads errno or the flags of exceptions.
CFLAGS_reference/update_run.c := -O3 -fno-math-errno -fno-trapping-math
CFLAGS_reference/formats/floats.c := -O3
CFLAGS_reference/formats/tests/test_floats.c := -O3
# The registry of workloads is the list of their files.
WORKLOADS := $(filter-out registry,$(sort $(basename $(notdir $(wildcard suites/workloads/*.c)))))
$(O)/workloads.inc: suites/workloads
	$(Q)mkdir -p $(@D); printf 'WORKLOAD(%s)\n' $(WORKLOADS) | cmp -s - $@ || printf 'WORKLOAD(%s)\n' $(WORKLOADS) > $@
$(O)/suites/workloads/registry.o: $(O)/workloads.inc
$(LIBRARY): $(SRCS:%.c=$(O)/%.o)
	$(Q)rm -f $@; ar rcs $@ $^
$(CORE): $(CORE_SRCS:%.c=$(O)/%.o)
	$(Q)rm -f $@; ar rcs $@ $^
$(O)/assay: $(O)/harness/cli/main.o $(LIBRARY)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/lib' -o $@ $^ $(LIBS)

# backends/<name>/backend.mk sets <name>_SRCS and, if it needs them, <name>_CFLAGS, <name>_LIBS, <name>_ARCHIVES.
define PLUGIN
$(1)_OBJS := $$($(1)_SRCS:%.c=$(O)/backends/$(1)/%.o)
$$($(1)_OBJS): ALL_CFLAGS += $$($(1)_CFLAGS)
$(O)/backends/assay-$(1).so: $$($(1)_OBJS) $$($(1)_ARCHIVES)
	$(Q)mkdir -p $$(@D); $(CC) $(ALL_LDFLAGS) -shared -Wl,--disable-new-dtags,-rpath,'$$$$ORIGIN/../lib' -Wl,--exclude-libs,ALL $$(if $$(filter asan tsan,$(CONFIG)),,-Wl,-z,defs) -o $$@ $$^ $$($(1)_LIBS) -lm
endef
$(foreach n,$(NAMES),$(eval $(call PLUGIN,$(n))))

# ---- plug-ins that only tests load: wrong ones, the rehearsals (as C and as C++), yesterday's template ----------
RUN_TESTS := harness/run/tests
FIXTURES  := $(patsubst %.c,$(O)/fixtures/%.so,$(notdir $(wildcard $(RUN_TESTS)/fixtures/*.c $(RUN_TESTS)/rehearsal/*.c))) \
             $(patsubst %.c,$(O)/fixtures/%-cxx.so,$(notdir $(wildcard $(RUN_TESTS)/rehearsal/*.c $(RUN_TESTS)/abi/*.c))) \
             $(patsubst %.c,$(O)/fixtures/%-1.0.so,$(notdir $(wildcard $(RUN_TESTS)/abi/*.c))) $(O)/fixtures/template-1.0.so
FIXTURE    = $(Q)mkdir -p $(@D); $(CC) $(1) -MMD -MP -MF $@.d -MT $@ $(ALL_LDFLAGS) -shared -o $@ $(filter %.c,$^) -lm
ABI_1_0   := -I$(RUN_TESTS)/abi/1.0 $(filter-out -Iharness/include,$(ALL_CFLAGS))
vpath %.c $(RUN_TESTS)/fixtures $(RUN_TESTS)/rehearsal $(RUN_TESTS)/abi
$(O)/fixtures/template-1.0.so: $(wildcard $(RUN_TESTS)/abi/1.0/template/*.c) $(O)/flags
	$(call FIXTURE,$(ABI_1_0))
$(O)/fixtures/%-1.0.so: %.c $(O)/flags
	$(call FIXTURE,$(ABI_1_0))
$(O)/fixtures/%-cxx.so: %.c $(O)/flags
	$(Q)mkdir -p $(@D); $(CXX) -x c++ -std=c++17 $(filter-out -std=% -Wstrict-prototypes -Wmissing-prototypes,$(ALL_CFLAGS)) \
	    -MMD -MP -MF $@.d -MT $@ $(ALL_LDFLAGS) -shared -o $@ $<
$(O)/fixtures/%.so: %.c $(O)/flags
	$(call FIXTURE,$(ALL_CFLAGS))

# ---- tests: one Criterion binary per file --------------------------------------------------------------------
$(TESTS): $(O)/%: $(O)/%.o $(LIBRARY)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcriterion $(LIBS)
tests: all $(FIXTURES) $(TESTS)
run-tests: tests
	$(Q)ci/run-tests $(CURDIR)/build/$(CONFIG)/logs $(TESTS)
BENCHES := $(patsubst %.c,$(O)/%,$(wildcard $(addsuffix /tests/bench_*.c,$(FOLDERS) $(NAMES:%=backends/%))))
# Programs that check what takes too long for every day; they print what they did and fail by their exit status.
LONG := $(patsubst %.c,$(O)/%,$(wildcard $(addsuffix /tests/long_*.c,$(FOLDERS))))
# How small a fault is still found: harness/verify/FAULTS.md.
FAULTS := $(O)/ci/faults/table
$(BENCHES) $(LONG) $(FAULTS): $(O)/%: $(O)/%.o $(LIBRARY)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
benches: all $(BENCHES)
BENCH_LOAD := $(O)/harness/load/tests/bench_drive $(O)/harness/load/tests/bench_arrivals $(O)/harness/load/serving/tests/bench_serving
run-long: $(LONG) ; $(Q)export ASSAY_DATA='$(CURDIR)'; for each in $^; do $$each || exit 1; done
# The reference's numbers once more, in MPFR.
ORACLE_OBJS := $(patsubst %.c,$(O)/%.o,$(wildcard reference/tests/oracle/*.c))
$(O)/reference/tests/test_oracle $(O)/reference/tests/long_oracle: LIBS := $(LIBRARY) -lmpfr -lgmp $(LIBS)
$(O)/reference/tests/test_oracle $(O)/reference/tests/long_oracle: $(ORACLE_OBJS)
# The random numbers of the C++ library itself, to compare with.
$(O)/harness/load/tests/test_mt19937: LIBS := $(LIBS) -lstdc++
$(O)/harness/load/tests/test_mt19937: $(O)/harness/load/tests/libstdcxx.o
$(O)/%.o: %.cc $(O)/flags
	$(Q)mkdir -p $(@D); $(CXX) -std=c++17 $(filter-out -std=% -Wstrict-prototypes -Wmissing-prototypes,$(ALL_CFLAGS)) -MMD -MP -c -o $@ $<
# A spreadsheet is a zip.
$(O)/reports/book/tests/test_book: LIBS := $(LIBS) -lz
# The independent judge of contention, where it is there.
$(O)/harness/model/cluster/tests/long_contention: LIBS := $(if $(wildcard /usr/include/simgrid/engine.h),-lsimgrid) $(LIBS)
# By clang only; ci/fuzz builds and runs them. One that looks at what is static in a source file includes that file.
FUZZERS := $(patsubst %.c,$(O)/%,$(wildcard $(addsuffix /tests/fuzz_*.c,$(FOLDERS))))
$(FUZZERS): $(O)/%: $(O)/%.o $(LIBRARY)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)
fuzzers: $(FUZZERS)

# ---- what people type ------------------------------------------------------------------------------------------
MAKE_ALL = $(MAKE) --no-print-directory -j$(JOBS)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
OUT ?= out/quick
SECONDS_EACH ?= 60
run: ; $(Q)ci/setup run && $(MAKE_ALL) all && ci/first-run $(OUT)
check: ; $(Q)ci/setup check && $(MAKE_ALL) tests && $(MAKE_ALL) run-tests && ci/golden/run build/assay && ci/layers && ci/kill-test build/assay 10 && ci/package-test build
check-long: check
	$(Q)$(MAKE_ALL) run-long && ci/kill-test build/assay 50 && ci/coverage-test build/assay 200 && ci/learning-test build/assay && { ci/slurm/test build/assay || [ $$? = 77 ]; }
# What a sanitizer looks at is memory and threads, not statistics: of the tests those that are long for their statistics' sake, and of the
# golden files those that run verbs and readers in another way, once; under the thread sanitizer what runs cases, as that is where threads are.
TESTS_ASAN  = $(filter-out $(addprefix %/test_,check faults numerics statistical statistics launch oracle train_fit serving_fit least_squares),$(TESTS))
GOLDEN_ASAN := $(filter-out $(patsubst %,ci/golden/%.t,compare docs doctor help list model probe repeat show soak training vectors),$(wildcard ci/golden/*.t))
GOLDEN_TSAN := $(patsubst %,ci/golden/%.t,conformance load run serving validate)
asan: ; $(Q)ci/setup check && TEST_ARGUMENTS=-j1 $(MAKE_ALL) CONFIG=asan TESTS='$(TESTS_ASAN:$(O)/%=build/asan/%)' run-tests && ci/golden/run build/asan/assay $(GOLDEN_ASAN)
tsan: ; $(Q)ci/setup check && $(MAKE_ALL) CONFIG=tsan all && ci/golden/run build/tsan/assay $(GOLDEN_TSAN)
lint: ; $(Q)ci/setup all && $(MAKE_ALL) all && ci/layers && ci/lint
fuzz: ; $(Q)ci/setup all && ci/fuzz $(SECONDS_EACH)
bench: ; $(Q)ci/setup run && $(MAKE_ALL) all benches && ci/bench build/assay
HISTORY_BENCH := $(O)/harness/judge/history/tests/bench_history
history-table: ; $(Q)ci/setup run && $(MAKE_ALL) $(HISTORY_BENCH) && $(HISTORY_BENCH) harness/judge/history/README.md
faults: ; $(Q)ci/setup run && $(MAKE_ALL) $(FAULTS) && ASSAY_DATA=. $(FAULTS) harness/verify/FAULTS.md
ALARMS := $(O)/harness/verify/faults/tests/long_alarms
alarms: ; $(Q)ci/setup run && $(MAKE_ALL) $(ALARMS) && ASSAY_DATA=. $(ALARMS) harness/verify/FAULTS.md
# Measurements of others that the models are fitted and judged on; they are no part of the project.
MEASUREMENTS ?= $(firstword $(wildcard ../shared/data) measurements)
model-table: ; $(Q)ci/setup run && $(MAKE_ALL) all && build/assay calibrate $(foreach t,gemm attn_prefill attn_decode moe_ffn collective,$(MEASUREMENTS)/$(t).csv) \
    -o backends/coefficients/kernels.json --table harness/model/LEFT-OUT.md --figures backends/coefficients/left-out.csv --points backends/coefficients/left-out-points.csv
	$(Q)build/assay calibrate $(MEASUREMENTS)/serving.csv -o backends/coefficients/serving.json --table harness/model/cluster/SERVING-LEFT-OUT.md
	$(Q)build/assay calibrate $(MEASUREMENTS)/train.csv -o backends/coefficients/training.json --table harness/model/cluster/TRAINING-LEFT-OUT.md
	$(Q)build/assay calibrate $(MEASUREMENTS)/mlperf_inference.csv $(MEASUREMENTS)/mlperf_training.csv -o backends/coefficients/mlperf.json --table harness/model/MLPERF-LEFT-OUT.md
PYTHON ?= python3
oracle: ; $(Q)$(MAKE_ALL) all && $(PYTHON) ci/oracle/make_formats.py ci/oracle/formats.txt && $(PYTHON) ci/oracle/make_pins.py build/assay ci/oracle/pins
dist: ; $(Q)ci/setup run && $(MAKE_ALL) all && ci/dist build dist/assay-$(VERSION)
install: ; $(Q)$(MAKE_ALL) all && ci/install build '$(DESTDIR)$(PREFIX)' $(VERSION)
help:
	@echo 'make run          set up, build, run suite quick on this CPU, prove it, report it, decide: out/quick/report, out/quick/decision'
	@echo 'make check        set up, build, pass the tests          make check-long   with the long ones'
	@echo 'make asan | tsan | lint                                  sanitizers and static checks'
	@echo 'make fuzz         every reader of outside bytes, SECONDS_EACH=60'
	@echo 'make faults       how small a fault is still found: writes harness/verify/FAULTS.md, some minutes'
	@echo 'make alarms       how often is an honest outcome called wrong? 100,000 of them, into harness/verify/FAULTS.md, six minutes'
	@echo 'make history-table   does the nightly alarm keep its rates? writes harness/judge/history/README.md, a minute'
	@echo 'make bench        the speeds that are promised, as ratios within one run'
	@echo 'make all          only build: build/assay                make install      PREFIX=/usr/local DESTDIR='
	@echo 'make model-table  fits the models again and predicts each chip without it: harness/model/LEFT-OUT.md (MEASUREMENTS=)'
	@echo 'make oracle       PyTorch computes the small models again, ml_dtypes the formats (PYTHON=, ci/oracle)'
	@echo 'make dist         one folder that runs with nothing installed'
	@echo 'make new-backend NAME=x                                  a back end to begin with'
	@echo 'make clean        CONFIG=release|debug|asan|tsan|cov|fuzz  V=1  JOBS=n'

new-backend: # NAME=x copies the template
	$(Q)case '$(NAME)' in ''|[!a-z]*|*[!a-z0-9_]*) echo 'usage: make new-backend NAME=x (a-z, 0-9, _)' >&2; exit 2;; esac; \
	[ ! -e 'backends/$(NAME)' ] || { echo 'backends/$(NAME) is there already' >&2; exit 2; }; \
	cp -R backends/template 'backends/$(NAME)' && cd 'backends/$(NAME)' && \
	for f in $$(find . -name '*template*'); do mv "$$f" "$$(echo "$$f" | sed 's/template/$(NAME)/')"; done && \
	find . -type f -exec sed -i "s/template/$(NAME)/g; s/TEMPLATE/$$(echo $(NAME) | tr a-z A-Z)/g" {} + && echo 'backends/$(NAME): edit what is marked DEVICE'

clean: ; rm -rf build out
-include $(shell find build/$(CONFIG) -name '*.d' 2>/dev/null)
