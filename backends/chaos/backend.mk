# Honest through the device of `reference`, whose objects it shares.
chaos_SRCS := chaos.c faults.c
chaos_ARCHIVES := $(O)/backends/reference/device.o $(O)/backends/reference/rebuild.o $(CORE)
chaos_LIBS := -Wl,--as-needed -ljansson -lsodium -lxxhash
