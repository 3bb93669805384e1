# Buffers, bindings and the rebuilt graph are those of `reference`, whose objects it shares.
emulate_SRCS := emulate.c compute.c
emulate_ARCHIVES := $(O)/backends/reference/device.o $(O)/backends/reference/rebuild.o $(CORE)
emulate_LIBS := -Wl,--as-needed -ljansson -lsodium -lxxhash
