# The engine seen from the other program: what it offers, starting it, asking it.
noinst_LIBRARIES += liblaunch.a
liblaunch_a_SOURCES = \
	%D%/call.c \
	%D%/describe.c \
	%D%/engine.h \
	%D%/fork.c \
	%D%/presets.c \
	%D%/program.c \
	%D%/recipes.c \
	%D%/server.c %D%/server.h \
	%D%/spawn.c %D%/spawn.h \
	%D%/start.c \
	%D%/sweeps.c
LAUNCH_LIBS = liblaunch.a $(STORE_LIBS)

# Stands in for the engine, in tests/e2e/cli.sh too.
noinst_PROGRAMS += tests/unit/launch_peer
tests_unit_launch_peer_SOURCES = tests/unit/launch_peer.c
tests_unit_launch_peer_LDADD = $(STORE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_launch tests/unit/test_server
tests_unit_test_server_SOURCES = tests/unit/test_server.c
tests_unit_test_server_LDADD = $(LAUNCH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_launch_SOURCES = tests/unit/test_launch.c
tests_unit_test_launch_LDADD = $(LAUNCH_LIBS) $(CMOCKA_LIBS)
endif
